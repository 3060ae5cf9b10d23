// The one translation unit that compiles Boost.JSON (BOOST_JSON_SEPARATE is set by the build).
#include <boost/json/src.hpp>
