// The availability score of a runner (contract api-sandbox §20.2): 0 to 100, higher is better.
#pragma once
#include "libs/contract/runner.h"

namespace dt::api {
double availability_score(const contract::RunnerMetrics& metrics);
}
