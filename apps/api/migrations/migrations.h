// The API's schema, embedded from NNN-name.sql of this folder.
#pragma once
#include <span>

#include "libs/store/db.h"

namespace dt::api {
std::span<const store::Migration> migrations();
}  // namespace dt::api
