#include "apps/daemon/desktop/program/x11/shared_image.h"

#include <sys/mman.h>
#include <unistd.h>
#include <xcb/shm.h>

#include <cstdlib>

#include "libs/base/fd.h"

namespace dt::desktop {
namespace {

constexpr uint32_t kMinor = 2;  // the version of the extension that takes descriptors

bool takes_descriptors(xcb_connection_t* xcb) {
  const xcb_query_extension_reply_t* data = xcb_get_extension_data(xcb, &xcb_shm_id);
  if (!data || !data->present) return false;
  xcb_shm_query_version_reply_t* version =
      xcb_shm_query_version_reply(xcb, xcb_shm_query_version(xcb), nullptr);
  bool good = version && (version->major_version > 1 || version->minor_version >= kMinor);
  std::free(version);
  return good;
}

}  // namespace

SharedImage::~SharedImage() { unmap(); }

void SharedImage::unmap() {
  if (memory_) ::munmap(memory_, size_);
  memory_ = nullptr;
  size_ = 0;
}

void SharedImage::detach(xcb_connection_t* xcb) {
  if (segment_) xcb_shm_detach(xcb, segment_);
  segment_ = 0;
  unmap();
}

uint32_t SharedImage::attach(xcb_connection_t* xcb, size_t size) {
  if (segment_ && size <= size_) return segment_;
  if (refused_) return 0;
  detach(xcb);
  refused_ = true;  // unless all of it succeeds
  if (!takes_descriptors(xcb)) return 0;
  Fd file(::memfd_create("screenshot", MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) < 0) return 0;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return 0;
  memory_ = memory;
  size_ = size;
  uint32_t segment = xcb_generate_id(xcb);
  auto cookie = xcb_shm_attach_fd_checked(xcb, segment, file.release(), 0);  // takes the descriptor
  if (xcb_generic_error_t* error = xcb_request_check(xcb, cookie)) {
    std::free(error);
    unmap();
    return 0;
  }
  refused_ = false;
  return segment_ = segment;
}

}  // namespace dt::desktop
