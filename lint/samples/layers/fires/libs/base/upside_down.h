// Points down the list.
#pragma once
#include "libs/net/http.h"
