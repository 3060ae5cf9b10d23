// The SFTP server: reads requests from one descriptor and answers on the other until the client is done.
// Blocking, one thread, a process of its own. Relative paths start in the current directory. Memory is
// bounded by kMaxPacket and the answers to what came with one read.
#pragma once
#include <dirent.h>

#include <memory>
#include <string>
#include <vector>

#include "apps/daemon/ssh/sftp/listing.h"
#include "apps/daemon/ssh/sftp/protocol.h"
#include "libs/base/fd.h"

namespace dt::ssh {

class SftpServer {
 public:
  // Appends the answer to `out`. False: the client breaks the protocol beyond repair.
  bool handle(std::string_view packet, std::string& out);

 private:
  struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  struct Handle {
    Fd file;
    std::unique_ptr<DIR, CloseDir> dir;
    bool append = false;
    bool used() const { return file || dir; }
    int fd() const { return dir ? ::dirfd(dir.get()) : file.get(); }
  };

  void version(std::string& out);
  void perform(const Request& r);
  void extended(const Request& r);
  void open(const Request& r);
  void open_directory(const Request& r);
  void close(const Request& r);
  void read(const Request& r);
  void write(const Request& r);
  void read_directory(const Request& r);
  void rename(const Request& r);
  void read_link(const Request& r);
  void real_path(const Request& r, std::string path);
  void stat_answer(int failed, const struct stat& st);
  void statvfs_answer(const Request& r);
  void limits();
  void set_attributes(const Request& r, bool follow);

  void begin(Reply type);
  void status(Code3 code, std::string_view text = {});
  void result(int rc);  // of a system call
  void name(std::string_view path);
  Handle* find(std::string_view handle);
  void add(Handle handle);

  bool greeted_ = false;
  uint32_t id_ = 0;             // of the request at hand
  std::string* out_ = nullptr;  // where its answer goes
  std::vector<Handle> handles_;
  Listing listing_;
};

// Exit status of the process.
int serve_sftp(int in, int out);

}  // namespace dt::ssh
