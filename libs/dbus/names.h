// Which names may stand in a message (D-Bus specification, "Valid Names", "Valid Object Paths"). A bus ends
// the connection of whoever sends another one, so what comes from users is asked here first.
#pragma once
#include <string_view>

namespace dt::dbus {

bool valid_object_path(std::string_view text);  // "/", "/org/a11y/bus"
bool valid_bus_name(std::string_view text);     // ":1.42", "org.a11y.Bus"
bool valid_interface(std::string_view text);    // also for the names of errors
bool valid_member(std::string_view text);

}  // namespace dt::dbus
