// An SSH client for what OpenSSH's cannot be told to do: sends a signal after the first line of a command's
// output and shows how it ended. ssh_probe SOCKET SIGNAL COMMAND
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

int upgraded(const char* path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path, sizeof at.sun_path - 1);
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) < 0) return -1;
  std::string request = "GET /ssh HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ssh\r\n\r\n";
  if (::write(fd, request.data(), request.size()) < 0) return -1;
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && ::read(fd, &c, 1) == 1) head += c;
  return head.starts_with("HTTP/1.1 101") ? fd : -1;
}

struct Ending {
  int status = -1;
  std::string signal;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  int fd = upgraded(argv[1]);
  ssh_session session = ssh_new();
  ssh_options_set(session, SSH_OPTIONS_FD, &fd);
  ssh_options_set(session, SSH_OPTIONS_HOST, "sandbox");
  ssh_options_set(session, SSH_OPTIONS_USER, "daytona");
  if (ssh_connect(session) != SSH_OK || ssh_userauth_none(session, nullptr) != SSH_AUTH_SUCCESS) {
    std::fprintf(stderr, "%s\n", ssh_get_error(session));
    return 1;
  }
  ssh_channel channel = ssh_channel_new(session);
  Ending ending;
  ssh_channel_callbacks_struct callbacks{};
  callbacks.userdata = &ending;
  callbacks.channel_exit_status_function = [](ssh_session, ssh_channel, int status, void* e) {
    static_cast<Ending*>(e)->status = status;
  };
  callbacks.channel_exit_signal_function = [](ssh_session, ssh_channel, const char* signal, int, const char*,
                                              const char*,
                                              void* e) { static_cast<Ending*>(e)->signal = signal; };
  ssh_callbacks_init(&callbacks);
  ssh_set_channel_callbacks(channel, &callbacks);
  if (ssh_channel_open_session(channel) != SSH_OK || ssh_channel_request_exec(channel, argv[3]) != SSH_OK)
    return 1;
  bool sent = false;
  char text[4096];
  for (int n; (n = ssh_channel_read(channel, text, sizeof text, 0)) > 0;) {
    std::fwrite(text, 1, static_cast<size_t>(n), stdout);
    if (!sent && std::memchr(text, '\n', static_cast<size_t>(n))) {
      ssh_channel_request_send_signal(channel, argv[2]);
      sent = true;
    }
  }
  while (!ssh_channel_is_closed(channel) && ssh_channel_poll_timeout(channel, 1000, 0) >= 0) {
  }
  std::printf("status %d signal %s\n", ending.status, ending.signal.c_str());
  return 0;
}
