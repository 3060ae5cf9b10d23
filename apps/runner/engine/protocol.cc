#include "apps/runner/engine/protocol.h"

#include <cstring>
#include <type_traits>

namespace dt::runner::engine {
namespace {

class Writer {
 public:
  explicit Writer(Tag tag) : out_(1, static_cast<char>(tag)) {}
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void operator()(const T& value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<uint32_t>(text.size()));
    out_ += text;
  }
  void operator()(const std::vector<std::string>& list) {
    (*this)(static_cast<uint32_t>(list.size()));
    for (auto& text : list) (*this)(text);
  }
  void operator()(const std::map<std::string, std::string>& map) {
    (*this)(static_cast<uint32_t>(map.size()));
    for (auto& [key, value] : map) (*this)(key), (*this)(value);
  }
  void operator()(const std::vector<CgroupView>& views) {
    (*this)(static_cast<uint32_t>(views.size()));
    for (auto& view : views) (*this)(view.source), (*this)(view.controller);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reading past the end leaves zeroes and sets `failed`.
class Reader {
 public:
  Reader(std::string_view bytes, Tag tag) : in_(bytes), failed_(!is(bytes, tag)) {
    if (!failed_) in_.remove_prefix(1);
  }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void operator()(T& value) {
    value = T{};
    if (failed_ || in_.size() < sizeof value) return void(failed_ = true);
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
  }
  void operator()(std::string& text) {
    uint32_t size = length();
    if (failed_) return;
    text = in_.substr(0, size);
    in_.remove_prefix(size);
  }
  void operator()(std::vector<std::string>& list) {
    for (uint32_t n = length(); n > 0 && !failed_; --n) (*this)(list.emplace_back());
  }
  void operator()(std::map<std::string, std::string>& map) {
    for (uint32_t n = length(); n > 0 && !failed_; --n) {
      std::string key;
      (*this)(key);
      (*this)(map[key]);
    }
  }
  void operator()(std::vector<CgroupView>& views) {
    for (uint32_t n = length(); n > 0 && !failed_; --n) {
      auto& view = views.emplace_back();
      (*this)(view.source), (*this)(view.controller);
    }
  }
  bool complete() const { return !failed_ && in_.empty(); }

 private:
  uint32_t length() {  // never more than what is left, so that a loop over it ends
    uint32_t n = 0;
    (*this)(n);
    if (n > in_.size()) failed_ = true;
    return failed_ ? 0 : n;
  }
  std::string_view in_;
  bool failed_;
};

// One list of fields per message, for both directions.
template <class Stream, class T>
void setup_fields(Stream& s, T& m) {
  s(m.daemon_path), s(m.seccomp), s(m.views), s(m.moves_cgroups);
}
template <class Stream, class T>
void launch_fields(Stream& s, T& m) {
  s(m.name), s(m.hostname), s(m.resolv_conf), s(m.hosts), s(m.upper), s(m.work), s(m.args), s(m.env),
      s(m.user);
  s(m.working_dir), s(m.id_range), s(m.open_files), s(m.pids), s(m.shm_bytes);
  s(m.has_netns), s(m.has_listen), s(m.has_log), s(m.has_cgroup);
}

std::unexpected<Error> malformed() {
  return fail(Code::internal, "malformed message between engine and spawner");
}

}  // namespace

std::string encode(const Setup& m) {
  Writer w(Tag::setup);
  setup_fields(w, m);
  return w.take();
}
std::string encode(const LaunchRequest& m) {
  Writer w(Tag::launch);
  launch_fields(w, m);
  return w.take();
}
std::string encode_built(const BuildTimes& times) {
  Writer w(Tag::built);
  w(times);
  return w.take();
}
std::string encode_failed(const Error& error) {
  Writer w(Tag::failed);
  w(static_cast<int>(error.code)), w(error.sys_errno), w(error.message.substr(0, 4096));
  return w.take();
}

Result<Setup> decode_setup(std::string_view bytes) {
  Reader r(bytes, Tag::setup);
  Setup m;
  setup_fields(r, m);
  if (!r.complete()) return malformed();
  return m;
}
Result<LaunchRequest> decode_launch(std::string_view bytes) {
  Reader r(bytes, Tag::launch);
  LaunchRequest m;
  launch_fields(r, m);
  if (!r.complete()) return malformed();
  return m;
}
Result<BuildTimes> decode_built(std::string_view bytes) {
  Reader r(bytes, Tag::built);
  BuildTimes times;
  r(times);
  if (!r.complete()) return malformed();
  return times;
}
Error decode_failed(std::string_view bytes) {
  Reader r(bytes, Tag::failed);
  int code, err;
  std::string message;
  r(code), r(err), r(message);
  if (!r.complete()) return malformed().error();
  return Error{static_cast<Code>(code), message, {}, err};
}

}  // namespace dt::runner::engine
