// What the program says to the daemon on a descriptor (../README.md): a line "ok" and then the body of the
// answer, or a line "error STATUS CODE" and then the message. Large bodies leave in pieces.
#pragma once
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::git {

class Answer {
 public:
  explicit Answer(int fd) : fd_(fd) {}
  Answer(const Answer&) = delete;

  std::string& body() { return buffer_; }  // to append to
  // Call now and then while appending much.
  Status flush_if_large();
  Status finish();
  Status finish_with(const Error& error);
  bool begun() const { return begun_; }

 private:
  Status flush();
  int fd_;
  bool begun_ = false;
  std::string buffer_;
};

}  // namespace dt::git
