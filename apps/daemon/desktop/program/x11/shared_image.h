// Memory that the X server writes pictures into (MIT-SHM with a descriptor), grown as needed. Belongs to one
// connection.
#pragma once
#include <xcb/xcb.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace dt::desktop {

class SharedImage {
 public:
  SharedImage() = default;
  SharedImage(const SharedImage&) = delete;
  ~SharedImage();
  // Room for `size` bytes; 0 when the server does not take our memory (then pictures come over the
  // connection).
  uint32_t attach(xcb_connection_t* xcb, size_t size);
  void detach(xcb_connection_t* xcb);
  std::span<const uint8_t> bytes() const { return {static_cast<const uint8_t*>(memory_), size_}; }

 private:
  void unmap();
  uint32_t segment_ = 0;
  void* memory_ = nullptr;
  size_t size_ = 0;
  bool refused_ = false;
};

}  // namespace dt::desktop
