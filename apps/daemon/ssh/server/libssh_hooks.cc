#include "apps/daemon/ssh/server/libssh_hooks.h"

#include <libssh/server.h>
#include <libssh/ssh2.h>

#include "apps/daemon/ssh/sftp/wire.h"

extern "C" {
// Internals of libssh, the same since 0.6.
void ssh_packet_set_callbacks(ssh_session session, ssh_packet_callbacks callbacks);
int ssh_packet_channel_open(ssh_session session, uint8_t type, ssh_buffer packet, void* user);
int ssh_packet_global_request(ssh_session session, uint8_t type, ssh_buffer packet, void* user);
int __real_ssh_buffer_add_buffer(ssh_buffer buffer, ssh_buffer source);
int __wrap_ssh_buffer_add_buffer(ssh_buffer buffer, ssh_buffer source);
}

namespace dt::ssh {
namespace {

constexpr int kFirst = SSH2_MSG_GLOBAL_REQUEST;
constexpr int kCount = SSH2_MSG_CHANNEL_OPEN - SSH2_MSG_GLOBAL_REQUEST + 1;

std::string_view bytes(ssh_buffer buffer) {
  return {static_cast<const char*>(ssh_buffer_get(buffer)), ssh_buffer_get_len(buffer)};
}

class OwnBuffer {
 public:
  explicit OwnBuffer(std::string_view text) : buffer_(ssh_buffer_new()) {
    ssh_buffer_add_data(buffer_, text.data(), static_cast<uint32_t>(text.size()));
  }
  ~OwnBuffer() { ssh_buffer_free(buffer_); }
  OwnBuffer(const OwnBuffer&) = delete;
  ssh_buffer get() { return buffer_; }

 private:
  ssh_buffer buffer_;
};

PacketHooks* hooks = nullptr;
// Not null while open_forwarded_streamlocal() waits for libssh to write its packet.
const std::string* forwarded_path = nullptr;

int on_channel_open(ssh_session session, uint8_t type, ssh_buffer packet, void* user) {
  return hooks->channel_open_packet(bytes(packet)) ? SSH_PACKET_USED : SSH_PACKET_NOT_USED;
}
int on_global_request(ssh_session session, uint8_t type, ssh_buffer packet, void* user) {
  return hooks->global_request_packet(bytes(packet)) ? SSH_PACKET_USED : SSH_PACKET_NOT_USED;
}

}  // namespace

void PacketHooks::install(ssh_session session) {
  static ssh_packet_callback table[kCount] = {};
  table[SSH2_MSG_GLOBAL_REQUEST - kFirst] = on_global_request;
  table[SSH2_MSG_CHANNEL_OPEN - kFirst] = on_channel_open;
  static ssh_packet_callbacks_struct callbacks = {kFirst, kCount, table, nullptr};
  hooks = this;
  ssh_packet_set_callbacks(session, &callbacks);
}

void replay_channel_open(ssh_session session, std::string_view packet) {
  OwnBuffer buffer(packet);
  ssh_packet_channel_open(session, SSH2_MSG_CHANNEL_OPEN, buffer.get(), nullptr);
}

void replay_global_request(ssh_session session, std::string_view packet) {
  OwnBuffer buffer(packet);
  ssh_packet_global_request(session, SSH2_MSG_GLOBAL_REQUEST, buffer.get(), nullptr);
}

int open_forwarded_streamlocal(ssh_channel channel, const std::string& path) {
  forwarded_path = &path;
  int rc = ssh_channel_open_reverse_forward(channel, "", 0, "", 0);
  forwarded_path = nullptr;
  return rc;
}

}  // namespace dt::ssh

// libssh puts the rest of a CHANNEL_OPEN behind its head here: byte, type, and three numbers, which stay.
int __wrap_ssh_buffer_add_buffer(ssh_buffer buffer, ssh_buffer source) {
  using namespace dt::ssh;
  constexpr size_t kNumbers = 12;
  std::string_view head = bytes(buffer);
  if (!forwarded_path || head.size() < 1 + kNumbers || head[0] != SSH2_MSG_CHANNEL_OPEN)
    return __real_ssh_buffer_add_buffer(buffer, source);
  std::string packet(1, static_cast<char>(SSH2_MSG_CHANNEL_OPEN));
  put_string(packet, "forwarded-streamlocal@openssh.com");
  packet += head.substr(head.size() - kNumbers);
  put_string(packet, *forwarded_path);
  put_string(packet, "");  // reserved
  ssh_buffer_reinit(buffer);
  return ssh_buffer_add_data(buffer, packet.data(), static_cast<uint32_t>(packet.size()));
}
