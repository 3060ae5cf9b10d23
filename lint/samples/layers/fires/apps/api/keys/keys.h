// Half of the circle.
#pragma once
#include "apps/api/jobs/jobs.h"
