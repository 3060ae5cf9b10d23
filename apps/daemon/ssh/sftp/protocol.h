// SFTP version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions: requests as structs. Decoding has
// no effect and needs no file system (sftp_fuzz.cc).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apps/daemon/ssh/sftp/wire.h"

namespace dt::ssh {

inline constexpr uint32_t kSftpVersion = 3;
// The longest packet without its length, either way, and the most that a read or write may carry.
inline constexpr uint32_t kMaxPacket = 256 * 1024;
inline constexpr uint32_t kMaxData = kMaxPacket - 1024;

enum class Op : uint8_t {
  init = 1,
  open = 3,
  close = 4,
  read = 5,
  write = 6,
  lstat = 7,
  fstat = 8,
  setstat = 9,
  fsetstat = 10,
  opendir = 11,
  readdir = 12,
  remove = 13,
  mkdir = 14,
  rmdir = 15,
  realpath = 16,
  stat = 17,
  rename = 18,
  readlink = 19,
  symlink = 20,
  extended = 200,
};

enum class Reply : uint8_t {
  version = 2,
  status = 101,
  handle = 102,
  data = 103,
  name = 104,
  attrs = 105,
  extended = 201
};

enum class Code3 : uint32_t {  // SSH_FX_
  ok = 0,
  eof = 1,
  no_such_file = 2,
  permission_denied = 3,
  failure = 4,
  bad_message = 5,
  unsupported = 8,
};

// Flags of open.
inline constexpr uint32_t kRead = 1, kWrite = 2, kAppend = 4, kCreate = 8, kTruncate = 16, kExclusive = 32;

// Only what is set is meant.
struct Attributes {
  struct Owner {
    uint32_t uid, gid;
  };
  struct Times {
    uint32_t accessed, modified;  // seconds since 1970
  };
  std::optional<uint64_t> size;
  std::optional<Owner> owner;
  std::optional<uint32_t> mode;
  std::optional<Times> times;
};

void put_attributes(std::string& out, const Attributes& attributes);

struct Request {
  Op op{};
  uint32_t id = 0;           // of init: the client's version
  bool by_handle = false;    // what the subject is
  std::string_view subject;  // path or handle
  std::string_view second;   // path
  std::string_view data;
  std::string_view extension;  // its name, when op is extended
  uint64_t offset = 0;
  uint32_t length = 0;
  uint32_t flags = 0;
  Attributes attributes;
};

// `packet` without its length. Views point into it. Unknown extensions have no subject. nullopt: malformed;
// `id` is then what could be read of it.
std::optional<Request> decode_request(std::string_view packet, uint32_t& id);

}  // namespace dt::ssh
