#include "apps/daemon/ssh/sftp/protocol.h"

namespace dt::ssh {
namespace {

// Which attributes follow.
constexpr uint32_t kHasSize = 1, kHasOwner = 2, kHasMode = 4, kHasTimes = 8, kHasExtended = 0x80000000;

Attributes take_attributes(WireReader& in) {
  Attributes out;
  uint32_t flags = in.u32();
  if (flags & kHasSize) out.size = in.u64();
  if (flags & kHasOwner) {
    uint32_t uid = in.u32();
    out.owner = Attributes::Owner{uid, in.u32()};
  }
  if (flags & kHasMode) out.mode = in.u32();
  if (flags & kHasTimes) {
    uint32_t accessed = in.u32();
    out.times = Attributes::Times{accessed, in.u32()};
  }
  if (flags & kHasExtended) {
    uint32_t pairs = in.u32();
    for (uint32_t i = 0; i < pairs && in.ok(); ++i) {
      in.string();
      in.string();
    }
  }
  return out;
}

bool has_two_paths(std::string_view extension) {
  return extension == "posix-rename@openssh.com" || extension == "hardlink@openssh.com";
}

bool has_subject(std::string_view extension) {
  return extension == "statvfs@openssh.com" || extension == "fstatvfs@openssh.com" ||
         extension == "fsync@openssh.com" || extension == "lsetstat@openssh.com" ||
         extension == "expand-path@openssh.com";
}

bool names_handle(const Request& r) {
  switch (r.op) {
    case Op::close:
    case Op::read:
    case Op::write:
    case Op::fstat:
    case Op::fsetstat:
    case Op::readdir:
      return true;
    default:
      return r.extension == "fstatvfs@openssh.com" || r.extension == "fsync@openssh.com";
  }
}

void take_extended(WireReader& in, Request& out) {
  out.extension = in.string();
  if (has_subject(out.extension)) out.subject = in.string();
  if (out.extension == "lsetstat@openssh.com") out.attributes = take_attributes(in);
  if (has_two_paths(out.extension)) {
    out.subject = in.string();
    out.second = in.string();
  }
}

void take_arguments(WireReader& in, Request& out) {
  switch (out.op) {
    case Op::init:
      return;
    case Op::extended:
      return take_extended(in, out);
    case Op::open:
      out.subject = in.string();
      out.flags = in.u32();
      out.attributes = take_attributes(in);
      return;
    case Op::read:
      out.subject = in.string();
      out.offset = in.u64();
      out.length = in.u32();
      return;
    case Op::write:
      out.subject = in.string();
      out.offset = in.u64();
      out.data = in.string();
      return;
    case Op::setstat:
    case Op::fsetstat:
    case Op::mkdir:
      out.subject = in.string();
      out.attributes = take_attributes(in);
      return;
    case Op::rename:
    case Op::symlink:
      out.subject = in.string();
      out.second = in.string();
      return;
    default:
      out.subject = in.string();
  }
}

}  // namespace

void put_attributes(std::string& out, const Attributes& a) {
  put_u32(out, (a.size ? kHasSize : 0) | (a.owner ? kHasOwner : 0) | (a.mode ? kHasMode : 0) |
                   (a.times ? kHasTimes : 0));
  if (a.size) put_u64(out, *a.size);
  if (a.owner) {
    put_u32(out, a.owner->uid);
    put_u32(out, a.owner->gid);
  }
  if (a.mode) put_u32(out, *a.mode);
  if (a.times) {
    put_u32(out, a.times->accessed);
    put_u32(out, a.times->modified);
  }
}

std::optional<Request> decode_request(std::string_view packet, uint32_t& id) {
  WireReader in(packet);
  Request out;
  out.op = static_cast<Op>(in.u8());
  out.id = id = in.u32();
  bool known = (out.op >= Op::open && out.op <= Op::symlink) || out.op == Op::init || out.op == Op::extended;
  if (known) take_arguments(in, out);
  if (!in.ok()) return std::nullopt;
  out.by_handle = names_handle(out);
  return out;
}

}  // namespace dt::ssh
