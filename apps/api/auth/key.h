// API keys as text: making, hashing, showing (contract api-core §5.1).
#pragma once
#include <array>
#include <string>
#include <string_view>

namespace dt::api {
using KeyDigest = std::array<char, 32>;  // SHA-256 of the whole key
KeyDigest digest_of(std::string_view key);
std::string hex_of(const KeyDigest& digest);
std::string generate_key();                                                // "dtn_" + 64 hex digits
std::string masked_key(std::string_view prefix, std::string_view suffix);  // "dtn********************abc"
}  // namespace dt::api
