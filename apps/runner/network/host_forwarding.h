// What the host must be told once so that packets of sandboxes pass: IPv4 forwarding, and an exception where
// another firewall (Docker's) drops everything that is forwarded.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::runner {
Status enable_forwarding();
// An accepting rule in DOCKER-USER, or in FORWARD when its policy is to drop. Does nothing where neither is
// found.
void allow_through_iptables(const std::string& instance);
void forget_in_iptables(const std::string& instance);
}  // namespace dt::runner
