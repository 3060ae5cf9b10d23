// Brings a database to the schema of this program.
#pragma once
#include <span>

#include "libs/store/connection.h"

namespace dt::store {
// The version reached. Each migration commits alone, together with its number.
Result<int> migrate(Connection& connection, std::span<const Migration> migrations);
}  // namespace dt::store
