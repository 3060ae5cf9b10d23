// The server program runs the services.
#include "apps/api/api.h"
#include "libs/oci/layout.h"
