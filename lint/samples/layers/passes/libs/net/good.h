// Points up the list.
#pragma once
#include <string>

#include "libs/base/error.h"
