#include "apps/daemon/http/timestamp.h"

#include <cstdio>
#include <cstring>

namespace dt::daemon {
namespace {

constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string date_time(const timespec& t, char between) {
  tm parts{};
  ::gmtime_r(&t.tv_sec, &parts);
  char text[80];
  int n = std::snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02d", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, between, parts.tm_hour, parts.tm_min, parts.tm_sec);
  std::string out(text, static_cast<size_t>(n));
  if (t.tv_nsec == 0) return out;
  n = std::snprintf(text, sizeof text, ".%09ld", t.tv_nsec);
  out.append(text, static_cast<size_t>(n));
  out.erase(out.find_last_not_of('0') + 1);
  return out;
}

}  // namespace

std::string rfc3339(const timespec& t) { return date_time(t, 'T') + "Z"; }
std::string long_form(const timespec& t) { return date_time(t, ' ') + " +0000 UTC"; }

std::string http_date(time_t t) {
  tm parts{};
  ::gmtime_r(&t, &parts);
  char text[80];
  int n = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
                        parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
                        parts.tm_min, parts.tm_sec);
  return std::string(text, static_cast<size_t>(n));
}

time_t parse_http_date(const std::string& text) {
  char month[4] = {};
  tm parts{};
  if (std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &parts.tm_mday, month, &parts.tm_year,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
    return -1;
  parts.tm_mon = -1;
  for (int i = 0; i < 12; ++i)
    if (!std::strcmp(month, kMonths[i])) parts.tm_mon = i;
  if (parts.tm_mon < 0) return -1;
  parts.tm_year -= 1900;
  return ::timegm(&parts);
}

}  // namespace dt::daemon
