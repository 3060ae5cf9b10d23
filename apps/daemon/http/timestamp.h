// Times as the toolbox writes them, in UTC (a static program has no time zone database to trust).
#pragma once
#include <ctime>
#include <string>

namespace dt::daemon {

std::string rfc3339(const timespec& t);    // 2026-06-01T12:00:00.123456789Z, trailing zeros removed
std::string long_form(const timespec& t);  // 2026-06-01 12:00:00.123456789 +0000 UTC
std::string http_date(time_t t);           // Mon, 01 Jun 2026 12:00:00 GMT
// The three forms of RFC 9110 5.6.7 are old; clients send the first. Anything else gives -1.
time_t parse_http_date(const std::string& text);

}  // namespace dt::daemon
