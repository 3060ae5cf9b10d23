// Memory of coroutine frames. They are larger than what malloc caches per thread, and come and go with every
// operation.
#include <new>

#include "libs/net/task.h"

namespace dt::detail {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// The sanitizers see every frame.
void* allocate_frame(size_t size) { return ::operator new(size); }
void free_frame(void* frame, size_t) noexcept { ::operator delete(frame); }
#else
namespace {

constexpr size_t kStep = 128;
constexpr size_t kClasses = 64;
constexpr size_t kMaxKept = 256 * 1024;  // bytes per thread

struct Pool {
  struct Free {
    Free* next;
  };
  Free* lists[kClasses] = {};
  size_t kept = 0;
  bool closed = false;
  ~Pool() {
    closed = true;
    for (Free*& list : lists)
      while (list) ::operator delete(std::exchange(list, list->next));
  }
};
thread_local Pool g_pool;

size_t class_of(size_t size) { return (size + kStep - 1) / kStep; }

}  // namespace

void* allocate_frame(size_t size) {
  size_t c = class_of(size);
  if (c >= kClasses) return ::operator new(size);
  Pool::Free* found = g_pool.lists[c];
  if (!found) return ::operator new(c * kStep);
  g_pool.lists[c] = found->next;
  g_pool.kept -= c * kStep;
  return found;
}

void free_frame(void* frame, size_t size) noexcept {
  size_t c = class_of(size);
  Pool& pool = g_pool;
  if (c >= kClasses || pool.closed || pool.kept + c * kStep > kMaxKept) return ::operator delete(frame);
  pool.kept += c * kStep;
  pool.lists[c] = new (frame) Pool::Free{pool.lists[c]};
}
#endif

}  // namespace dt::detail
