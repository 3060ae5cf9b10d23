#include "apps/daemon/companion/section.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

namespace dt::daemon {
namespace {

constexpr size_t kNamesLimit = 1 << 16;
constexpr int kSealAttempts = 100;

template <class T>
bool read_at(int fd, uint64_t offset, T* to, size_t count) {
  auto size = static_cast<ssize_t>(sizeof(T) * count);
  return ::pread(fd, to, static_cast<size_t>(size), static_cast<off_t>(offset)) == size;
}

// Where a section lies in an ELF file.
Result<Elf64_Shdr> find_section(int fd, std::string_view wanted) {
  auto broken = fail(Code::internal, "the daemon's own file lacks " + std::string(wanted));
  Elf64_Ehdr header;
  if (!read_at(fd, 0, &header, 1) || header.e_shstrndx >= header.e_shnum) return broken;
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (!read_at(fd, header.e_shoff, sections.data(), sections.size())) return broken;
  const Elf64_Shdr& where = sections[header.e_shstrndx];
  std::string names(where.sh_size < kNamesLimit ? where.sh_size : 0, '\0');
  if (!read_at(fd, where.sh_offset, names.data(), names.size())) return broken;
  for (const Elf64_Shdr& section : sections)
    if (section.sh_name < names.size() && wanted == names.c_str() + section.sh_name) return section;
  return broken;
}

Status copy(int from, const Elf64_Shdr& section, int to) {
  auto offset = static_cast<off_t>(section.sh_offset);
  auto end = offset + static_cast<off_t>(section.sh_size);
  while (offset < end) {
    ssize_t n = ::sendfile(to, from, &offset, static_cast<size_t>(end - offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_errno("copy");
  }
  return {};
}

// Whoever shares our user id could otherwise change it under the next start. Refused while somebody in the
// kernel looks at one of its pages (memory management does so at any time); the kernel itself waits a moment,
// too.
Status seal(int fd) {
  for (int attempt = 0;; ++attempt) {
    if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0) return {};
    if (errno != EBUSY || attempt >= kSealAttempts) return fail_errno("seal");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

Result<Fd> unpack_section(const char* section, const char* name) {
  TRY(Fd self, open_file("/proc/self/exe", O_RDONLY));
  TRY(Elf64_Shdr found, find_section(self.get(), section));
  Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno("memfd");
  TRY_VOID(copy(self.get(), found, fd.get()));
  TRY_VOID(seal(fd.get()));
  return fd;
}

}  // namespace dt::daemon
