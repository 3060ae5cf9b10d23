// Owners of libgit2's objects. `out()` is for the functions that make one.
#pragma once
#include <git2.h>

#include <string>
#include <utility>
#include <vector>

namespace dt::git {

template <class T, auto Free>
class Handle {
 public:
  Handle() = default;
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  Handle(const Handle&) = delete;
  ~Handle() { reset(); }

  T** out() {
    reset();
    return &object_;
  }
  T* get() const { return object_; }
  operator T*() const { return object_; }
  void reset() {
    if (object_) Free(std::exchange(object_, nullptr));
  }

 private:
  T* object_ = nullptr;
};

using Repository = Handle<git_repository, git_repository_free>;
using Reference = Handle<git_reference, git_reference_free>;
using Commit = Handle<git_commit, git_commit_free>;
using Tree = Handle<git_tree, git_tree_free>;
using Object = Handle<git_object, git_object_free>;
using Index = Handle<git_index, git_index_free>;
using Remote = Handle<git_remote, git_remote_free>;
using Config = Handle<git_config, git_config_free>;
using Signature = Handle<git_signature, git_signature_free>;
using StatusList = Handle<git_status_list, git_status_list_free>;
using BranchIterator = Handle<git_branch_iterator, git_branch_iterator_free>;
using Walk = Handle<git_revwalk, git_revwalk_free>;
using AnnotatedCommit = Handle<git_annotated_commit, git_annotated_commit_free>;

// A text that libgit2 allocates.
class Text {
 public:
  Text() = default;
  Text(const Text&) = delete;
  ~Text() { git_buf_dispose(&buffer_); }
  git_buf* out() { return &buffer_; }
  std::string str() const { return buffer_.ptr ? std::string(buffer_.ptr, buffer_.size) : std::string(); }

 private:
  git_buf buffer_ = GIT_BUF_INIT;
};

// A list of texts for libgit2, borrowed from a vector of strings that must outlive it.
template <class Strings>
class StringArray {
 public:
  explicit StringArray(Strings& strings) {
    for (auto& text : strings) pointers_.push_back(const_cast<char*>(text.c_str()));
    array_ = {pointers_.data(), pointers_.size()};
  }
  const git_strarray& get() const { return array_; }
  const git_strarray* operator&() const { return &array_; }

 private:
  std::vector<char*> pointers_;
  git_strarray array_{};
};

}  // namespace dt::git
