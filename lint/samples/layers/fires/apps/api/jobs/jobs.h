// A service that includes another one, and a circle of folders.
#pragma once
#include "apps/runner/service/runner.h"
#include "apps/api/keys/keys.h"
