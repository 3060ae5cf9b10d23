#include "apps/daemon/session/records.h"

#include <algorithm>

namespace dt::daemon {
namespace {

constexpr size_t kSmall = 1024;  // longer buffers are given back

}  // namespace

void RecordWriter::put(Channel channel, std::string_view bytes, bool ends, std::string& to) {
  int index = static_cast<int>(channel);
  if (open_ != index) to += kMarkers[static_cast<size_t>(index)];
  to += bytes;
  open_ = ends ? -1 : index;
  line(channel).started = !ends;
}

void RecordWriter::feed(Channel channel, std::string_view bytes, std::string& to) {
  std::string clean;
  if (bytes.find('\0') != std::string_view::npos) {
    clean = bytes;
    std::erase(clean, '\0');
    bytes = clean;
  }
  Line& current = line(channel);
  while (!bytes.empty()) {
    size_t newline = bytes.find('\n');
    bool ends = newline != std::string_view::npos;
    std::string_view piece = bytes.substr(0, ends ? newline + 1 : bytes.size());
    bytes.remove_prefix(piece.size());
    if (ends && current.held.empty()) {
      put(channel, piece, true, to);
      continue;
    }
    current.held += piece;
    if (!ends && current.held.size() < kLineLimit) continue;
    put(channel, current.held, ends, to);
    current.held.clear();
    if (current.held.capacity() > kSmall) current.held.shrink_to_fit();
  }
}

void RecordWriter::whole(Channel channel, std::string_view line, std::string& to) {
  to += kMarkers[static_cast<size_t>(channel)];
  to += line;
  open_ = -1;
}

void RecordWriter::flush(std::string& to) {
  for (Channel channel : {Channel::out, Channel::err}) {
    Line& current = line(channel);
    if (current.held.empty()) continue;
    put(channel, current.held, false, to);
    current.held.clear();
  }
}

void RecordWriter::finish(Channel channel, std::string& to) {
  Line& current = line(channel);
  if (current.held.empty() && !current.started) return;
  current.held += '\n';
  put(channel, current.held, true, to);
  current.held.clear();
}

std::string* Demux::target(std::string& out, std::string& err) const {
  if (channel_ < 0) return nullptr;
  return channel_ == 0 ? &out : &err;
}

void Demux::feed(std::string_view bytes, std::string& out, std::string& err) {
  size_t i = 0;
  while (i < bytes.size()) {
    char c = bytes[i];
    if (count_ > 0 && c == held_) {
      ++i;
      if (++count_ < 3) continue;
      channel_ = held_ - 1;
      count_ = 0;
      continue;
    }
    if (count_ > 0) finish(out, err);
    if (c == 1 || c == 2) {
      held_ = c;
      count_ = 1;
      ++i;
      continue;
    }
    size_t next = std::min(bytes.find_first_of("\x01\x02", i), bytes.size());
    if (std::string* to = target(out, err)) to->append(bytes.substr(i, next - i));
    i = next;
  }
}

void Demux::finish(std::string& out, std::string& err) {
  if (std::string* to = target(out, err)) to->append(static_cast<size_t>(count_), held_);
  count_ = 0;
}

}  // namespace dt::daemon
