// Names of users and groups from /etc/passwd and /etc/group, read by ourselves: a static program must not
// load the image's name service modules.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dt::daemon {

// A number, or a name of the file (third field of "name:x:number:…"). Blocks.
std::optional<uint32_t> id_of(std::string_view text, const std::string& file);
inline std::optional<uint32_t> user_id(std::string_view text) { return id_of(text, "/etc/passwd"); }
inline std::optional<uint32_t> group_id(std::string_view text) { return id_of(text, "/etc/group"); }

}  // namespace dt::daemon
