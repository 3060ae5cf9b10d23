// The folder that a clone goes to: it must be new or empty, and is as it was before when the clone fails.
#pragma once
#include <string>

#include "libs/base/error.h"

namespace dt::git {

class NewFolder {
 public:
  // Makes it with its parents. conflict when it is a repository, has something in it, or is a file.
  static Result<NewFolder> make(const std::string& path);
  NewFolder(NewFolder&& other) noexcept;
  NewFolder& operator=(NewFolder&&) = delete;
  NewFolder(const NewFolder&) = delete;
  ~NewFolder();  // unless kept, what is in it and what was made for it is removed

  void keep() { path_.clear(); }

 private:
  NewFolder(std::string path, std::string first_made)
      : path_(std::move(path)), first_made_(std::move(first_made)) {}
  std::string path_;
  std::string first_made_;  // the topmost folder that we made; empty if it was there
};

}  // namespace dt::git
