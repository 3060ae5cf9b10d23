// The few places where libssh 0.10 has no public way: Unix sockets are not known to its server side, and a
// request for a connection must be answered before its callback returns. Everything here works on packets,
// through functions of the static library whose meaning the protocol fixes; no layout of libssh's structures
// is assumed. Checked by the tests of forwarding.
#pragma once
#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <string>
#include <string_view>

namespace dt::ssh {

// Packets of an authenticated client, without their type byte.
class PacketHooks {
 public:
  virtual ~PacketHooks() = default;
  // True: taken; libssh does not see it.
  virtual bool channel_open_packet(std::string_view packet) = 0;
  virtual bool global_request_packet(std::string_view packet) = 0;

 protected:
  // Before the key exchange. Once per process.
  void install(ssh_session session);
};

// As if the packet had just come in: leads to the message callback before it returns.
void replay_channel_open(ssh_session session, std::string_view packet);
void replay_global_request(ssh_session session, std::string_view packet);

// Like ssh_channel_open_reverse_forward, for a socket of streamlocal-forward@openssh.com.
int open_forwarded_streamlocal(ssh_channel channel, const std::string& path);

}  // namespace dt::ssh
