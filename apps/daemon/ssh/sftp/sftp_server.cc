#include "apps/daemon/ssh/sftp/sftp_server.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dt::ssh {
namespace {

constexpr std::string_view kExtensions[][2] = {
    {"posix-rename@openssh.com", "1"}, {"statvfs@openssh.com", "2"},    {"fstatvfs@openssh.com", "2"},
    {"hardlink@openssh.com", "1"},     {"fsync@openssh.com", "1"},      {"lsetstat@openssh.com", "1"},
    {"limits@openssh.com", "1"},       {"expand-path@openssh.com", "1"}};

// Answers are sent when they are this long, or when no request is left.
constexpr size_t kSendFrom = 256 * 1024;
constexpr size_t kReadSize = 512 * 1024;
constexpr size_t kDirectoryBytes = 64 * 1024;  // in one answer

Code3 code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EBADF:
    case ELOOP:
      return Code3::no_such_file;
    case EPERM:
    case EACCES:
    case EFAULT:
      return Code3::permission_denied;
    case ENAMETOOLONG:
    case EINVAL:
      return Code3::bad_message;
    case ENOSYS:
    case EOPNOTSUPP:
      return Code3::unsupported;
    default:
      return Code3::failure;
  }
}

std::string_view text_of(Code3 code) {
  switch (code) {
    case Code3::ok:
      return "Success";
    case Code3::eof:
      return "End of file";
    case Code3::bad_message:
      return "Bad message";
    case Code3::unsupported:
      return "Operation unsupported";
    default:
      return "Failure";
  }
}

std::string path_of(std::string_view text) { return text.empty() ? "." : std::string(text); }

Attributes attributes_of(const struct stat& st) {
  return {.size = static_cast<uint64_t>(st.st_size),
          .owner = Attributes::Owner{st.st_uid, st.st_gid},
          .mode = st.st_mode,
          .times = Attributes::Times{static_cast<uint32_t>(st.st_atime), static_cast<uint32_t>(st.st_mtime)}};
}

int open_flags(uint32_t flags) {
  int out = O_CLOEXEC | O_NOCTTY;
  bool reads = flags & kRead, writes = flags & kWrite;
  out |= writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (flags & kAppend) out |= O_APPEND;
  if (flags & kCreate) out |= O_CREAT;
  if (flags & kTruncate) out |= O_TRUNC;
  if (flags & kExclusive) out |= O_EXCL;
  return out;
}

}  // namespace

void SftpServer::begin(Reply type) {
  put_u32(*out_, 0);  // the length, known at the end
  put_u8(*out_, static_cast<uint8_t>(type));
  put_u32(*out_, id_);
}

void SftpServer::status(Code3 code, std::string_view text) {
  begin(Reply::status);
  put_u32(*out_, static_cast<uint32_t>(code));
  put_string(*out_, text.empty() ? text_of(code) : text);
  put_string(*out_, "");  // language
}

void SftpServer::result(int rc) {
  if (rc >= 0) return status(Code3::ok);
  const char* text = ::strerrordesc_np(errno);
  status(code_of(errno), text ? text : "");
}

void SftpServer::name(std::string_view path) {
  begin(Reply::name);
  put_u32(*out_, 1);
  put_string(*out_, path);
  put_string(*out_, path);
  put_attributes(*out_, {});
}

SftpServer::Handle* SftpServer::find(std::string_view handle) {
  if (handle.size() != 4) return nullptr;
  uint32_t index = WireReader(handle).u32();
  return index < handles_.size() && handles_[index].used() ? &handles_[index] : nullptr;
}

void SftpServer::add(Handle handle) {
  auto it = std::ranges::find_if(handles_, [](const Handle& h) { return !h.used(); });
  if (it == handles_.end()) it = handles_.emplace(handles_.end());
  *it = std::move(handle);
  std::string number;
  put_u32(number, static_cast<uint32_t>(it - handles_.begin()));
  begin(Reply::handle);
  put_string(*out_, number);
}

void SftpServer::open(const Request& r) {
  mode_t mode = r.attributes.mode.value_or(0666) & 07777;
  Fd fd(::open(path_of(r.subject).c_str(), open_flags(r.flags), mode));
  if (!fd) return result(-1);
  add({.file = std::move(fd), .dir = nullptr, .append = (r.flags & kAppend) != 0});
}

void SftpServer::open_directory(const Request& r) {
  std::unique_ptr<DIR, CloseDir> dir(::opendir(path_of(r.subject).c_str()));
  if (!dir) return result(-1);
  add({.file = {}, .dir = std::move(dir)});
}

void SftpServer::close(const Request& r) {
  Handle* handle = find(r.subject);
  if (!handle) return status(Code3::failure, "No such handle");
  // Some file systems tell only now that there is no room.
  int rc = handle->file ? ::close(handle->file.release()) : 0;
  int error = errno;
  *handle = {};
  errno = error;
  result(rc);
}

void SftpServer::read(const Request& r) {
  Handle* handle = find(r.subject);
  if (!handle || handle->dir) return status(Code3::failure, "No such handle");
  size_t wanted = std::min(r.length, kMaxData);
  size_t start = out_->size();
  begin(Reply::data);
  size_t head = out_->size();
  ssize_t got = 0;
  out_->resize_and_overwrite(head + 4 + wanted, [&](char* bytes, size_t) {
    do got = ::pread(handle->file.get(), bytes + head + 4, wanted, static_cast<off_t>(r.offset));
    while (got < 0 && errno == EINTR);
    for (int i = 0; i < 4; ++i)
      bytes[head + static_cast<size_t>(i)] =
          static_cast<char>(static_cast<size_t>(std::max<ssize_t>(got, 0)) >> (24 - 8 * i) & 0xff);
    return head + 4 + static_cast<size_t>(std::max<ssize_t>(got, 0));
  });
  if (got > 0 || (got == 0 && wanted == 0)) return;
  out_->resize(start);
  if (got == 0) return status(Code3::eof);
  result(-1);
}

void SftpServer::write(const Request& r) {
  Handle* handle = find(r.subject);
  if (!handle || handle->dir) return status(Code3::failure, "No such handle");
  std::string_view rest = r.data;
  auto offset = static_cast<off_t>(r.offset);
  while (!rest.empty()) {
    ssize_t n = handle->append ? ::write(handle->file.get(), rest.data(), rest.size())
                               : ::pwrite(handle->file.get(), rest.data(), rest.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return result(-1);
    rest.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  status(Code3::ok);
}

void SftpServer::read_directory(const Request& r) {
  Handle* handle = find(r.subject);
  if (!handle || !handle->dir) return status(Code3::failure, "No such handle");
  std::string entries;
  uint32_t count = 0;
  errno = 0;
  while (entries.size() < kDirectoryBytes) {
    dirent* entry = ::readdir(handle->dir.get());
    if (!entry) break;
    struct stat st{};
    if (::fstatat(handle->fd(), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
      errno = 0;
      continue;  // gone in the meantime
    }
    put_string(entries, entry->d_name);
    put_string(entries, listing_.line(entry->d_name, st));
    put_attributes(entries, attributes_of(st));
    ++count;
  }
  if (count == 0) return errno ? result(-1) : status(Code3::eof);
  begin(Reply::name);
  put_u32(*out_, count);
  *out_ += entries;
}

// Version 3 must not replace what is there.
void SftpServer::rename(const Request& r) {
  std::string from = path_of(r.subject), to = path_of(r.second);
  int rc = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  if (rc < 0 && (errno == EINVAL || errno == ENOSYS)) {  // not every file system can
    struct stat st{};
    if (::lstat(to.c_str(), &st) == 0) return status(Code3::failure, "File exists");
    rc = ::rename(from.c_str(), to.c_str());
  }
  result(rc);
}

void SftpServer::read_link(const Request& r) {
  char target[PATH_MAX];
  ssize_t size = ::readlink(path_of(r.subject).c_str(), target, sizeof target);
  if (size < 0) return result(-1);
  name({target, static_cast<size_t>(size)});
}

// The last part need not exist, so that clients can name what they are about to make.
void SftpServer::real_path(const Request& r, std::string path) {
  std::unique_ptr<char, decltype(&::free)> whole(::realpath(path.c_str(), nullptr), ::free);
  if (whole) return name(whole.get());
  if (errno != ENOENT) return result(-1);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  size_t slash = path.rfind('/');
  std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  std::unique_ptr<char, decltype(&::free)> above(::realpath(parent.c_str(), nullptr), ::free);
  if (!above) return result(-1);
  std::string out = above.get();
  if (out != "/") out += '/';
  name(out + path.substr(slash == std::string::npos ? 0 : slash + 1));
}

void SftpServer::stat_answer(int failed, const struct stat& st) {
  if (failed) return result(-1);
  begin(Reply::attrs);
  put_attributes(*out_, attributes_of(st));
}

void SftpServer::perform(const Request& r) {
  struct stat st{};
  std::string path = path_of(r.subject);
  switch (r.op) {
    case Op::open:
      return open(r);
    case Op::close:
      return close(r);
    case Op::read:
      return read(r);
    case Op::write:
      return write(r);
    case Op::stat:
      return stat_answer(::stat(path.c_str(), &st), st);
    case Op::lstat:
      return stat_answer(::lstat(path.c_str(), &st), st);
    case Op::fstat: {
      Handle* handle = find(r.subject);
      if (!handle) return status(Code3::failure, "No such handle");
      return stat_answer(::fstat(handle->fd(), &st), st);
    }
    case Op::setstat:
    case Op::fsetstat:
      return set_attributes(r, true);
    case Op::opendir:
      return open_directory(r);
    case Op::readdir:
      return read_directory(r);
    case Op::remove:
      return result(::unlink(path.c_str()));
    case Op::mkdir:
      return result(::mkdir(path.c_str(), r.attributes.mode.value_or(0777) & 07777));
    case Op::rmdir:
      return result(::rmdir(path.c_str()));
    case Op::realpath:
      return real_path(r, path);
    case Op::rename:
      return rename(r);
    case Op::readlink:
      return read_link(r);
    case Op::symlink:  // OpenSSH's order, which everybody follows: first what it points to
      return result(::symlink(path.c_str(), path_of(r.second).c_str()));
    case Op::extended:
      return extended(r);
    default:
      return status(Code3::unsupported);
  }
}

void SftpServer::version(std::string& out) {
  std::string body;
  put_u8(body, static_cast<uint8_t>(Reply::version));
  put_u32(body, kSftpVersion);
  for (const auto& [name, value] : kExtensions) {
    put_string(body, name);
    put_string(body, value);
  }
  put_string(out, body);
}

bool SftpServer::handle(std::string_view packet, std::string& out) {
  auto request = decode_request(packet, id_);
  if (!greeted_) {
    if (!request || request->op != Op::init) return false;
    greeted_ = true;
    version(out);
    return true;
  }
  out_ = &out;
  size_t start = out.size();
  auto has_nul = [](std::string_view text) { return text.find('\0') != std::string_view::npos; };
  if (!request || request->op == Op::init)
    status(Code3::bad_message);
  else if (!request->by_handle && (has_nul(request->subject) || has_nul(request->second)))
    status(Code3::no_such_file, "Bad file name");
  else
    perform(*request);
  std::string length;
  put_u32(length, static_cast<uint32_t>(out.size() - start - 4));
  out.replace(start, 4, length);
  return true;
}

int serve_sftp(int in, int out) {
  SftpServer server;
  std::string input(kMaxPacket + 4 + kReadSize, '\0');
  std::string answers;
  answers.reserve(kSendFrom + kMaxPacket + 64);
  size_t filled = 0;
  for (;;) {
    ssize_t n = ::read(in, input.data() + filled, std::min(kReadSize, input.size() - filled));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? 0 : 1;
    filled += static_cast<size_t>(n);
    size_t at = 0;
    while (filled - at >= 4) {
      uint32_t size = WireReader({input.data() + at, 4}).u32();
      if (size > kMaxPacket) return 1;
      if (filled - at - 4 < size) break;
      if (!server.handle({input.data() + at + 4, size}, answers)) return 1;
      at += 4 + size;
      if (answers.size() < kSendFrom) continue;
      if (!write_all(out, answers)) return 1;
      answers.clear();
    }
    std::memmove(input.data(), input.data() + at, filled - at);
    filled -= at;
    if (!answers.empty() && !write_all(out, answers)) return 1;
    answers.clear();
  }
}

}  // namespace dt::ssh
