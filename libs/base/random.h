// Randomness from the kernel (getrandom).
#pragma once
#include <cstdint>
#include <string>

namespace dt {
std::string random_bytes(size_t count);
uint64_t random_u64();
std::string uuid_v4();                    // lower case
std::string random_token(size_t length);  // characters a-z 0-9
}  // namespace dt
