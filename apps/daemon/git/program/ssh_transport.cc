#include "apps/daemon/git/program/ssh_transport.h"

#include <git2.h>
#include <git2/sys/errors.h>
#include <git2/sys/transport.h>

#include <memory>

#include "apps/daemon/git/program/errors.h"
#include "apps/daemon/git/program/ssh_session.h"
#include "apps/daemon/git/program/url.h"
#include "libs/base/text.h"

namespace dt::git {
namespace {

std::string& password() {
  static std::string value;
  return value;
}

// How an Error passes through libgit2, which only knows texts and codes: it is kept here until it comes out
// again.
int tell(const Error& error) {
  keep_error(error);
  git_error_set_str(GIT_ERROR_SSH, error.message.c_str());
  return error.code == Code::unauthorized ? GIT_EAUTH
         : error.code == Code::not_found  ? GIT_ENOTFOUND
                                          : GIT_ERROR;
}

// libgit2 frees both through their callbacks; the stream belongs to the transport, as a connection has one
// only.
struct Stream : git_smart_subtransport_stream {
  SshSession session;
};
struct Transport : git_smart_subtransport {
  std::unique_ptr<Stream> stream;
};

int read_stream(git_smart_subtransport_stream* stream, char* buffer, size_t size, size_t* count) {
  auto n = static_cast<Stream*>(stream)->session.read(buffer, size);
  *count = n ? *n : 0;
  return n ? 0 : tell(n.error());
}

int write_stream(git_smart_subtransport_stream* stream, const char* bytes, size_t size) {
  Status done = static_cast<Stream*>(stream)->session.write({bytes, size});
  return done ? 0 : tell(done.error());
}

void free_stream(git_smart_subtransport_stream* stream) {
  auto* transport = static_cast<Transport*>(stream->subtransport);
  if (transport->stream.get() == stream) transport->stream.reset();
}

Status start(Stream& stream, const char* address, const char* program) {
  TRY(Url url, parse_url(address));
  return stream.session.start(url, url.has_password ? url.password : password(),
                              std::string(program) + " " + shell_quote(url.path));
}

int begin(Transport& transport, const char* address, const char* program) {
  auto stream = std::make_unique<Stream>();
  stream->subtransport = &transport;
  stream->read = read_stream;
  stream->write = write_stream;
  stream->free = free_stream;
  if (Status started = start(*stream, address, program); !started) return tell(started.error());
  transport.stream = std::move(stream);
  return 0;
}

int act(git_smart_subtransport_stream** out, git_smart_subtransport* base, const char* url,
        git_smart_service_t action) {
  auto& transport = *static_cast<Transport*>(base);
  int code = 0;
  if (action == GIT_SERVICE_UPLOADPACK_LS) code = begin(transport, url, "git-upload-pack");
  if (action == GIT_SERVICE_RECEIVEPACK_LS) code = begin(transport, url, "git-receive-pack");
  *out = transport.stream.get();
  if (code == 0 && !*out) git_error_set_str(GIT_ERROR_SSH, "the connection is not open");
  return *out ? code : code < 0 ? code : GIT_ERROR;
}

int close_transport(git_smart_subtransport* base) {
  static_cast<Transport*>(base)->stream.reset();
  return 0;
}

void free_transport(git_smart_subtransport* base) { delete static_cast<Transport*>(base); }

int make_transport(git_smart_subtransport** out, git_transport*, void*) {
  auto transport = std::make_unique<Transport>();
  transport->action = act;
  transport->close = close_transport;
  transport->free = free_transport;
  *out = transport.release();
  return 0;
}

}  // namespace

Status register_ssh() {
  static git_smart_subtransport_definition definition{make_transport, 0, nullptr};
  for (const char* scheme : {"ssh", "git+ssh", "ssh+git"})
    TRY_GIT(git_transport_register(scheme, git_transport_smart, &definition));
  return {};
}

void set_ssh_password(std::string value) { password() = std::move(value); }

}  // namespace dt::git
