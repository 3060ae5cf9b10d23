#include "apps/daemon/files/search.h"

#include <sys/stat.h>

#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/glob.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

class Names final : public TreeVisitor {
 public:
  explicit Names(const SearchQuery& query) : query_(query), answer_("{\"files\":[", query.answer_limit) {}
  void test_root();
  void visit(const std::shared_ptr<const OpenDirectory>& directory, size_t from, size_t to) override;
  Response finish(bool complete) {
    if (!complete) answer_.mark_truncated();
    return std::move(answer_).finish("]}");
  }

 private:
  void add(std::string_view path);
  const SearchQuery& query_;
  AnswerFile answer_;
  std::string text_;
  bool first_ = true;
};

void Names::test_root() {
  struct stat st{};
  if (::lstat(query_.root.c_str(), &st) == 0 && glob_match(query_.pattern, base_name(query_.root)))
    add(query_.root);
}

void Names::add(std::string_view path) {
  text_.assign(first_ ? "" : ",");
  codec::write_string(text_, path);
  if (!answer_.append(text_)) query_.ended->now = true;
  first_ = false;
}

void Names::visit(const std::shared_ptr<const OpenDirectory>& directory, size_t from, size_t to) {
  for (size_t i = from; i < to && !query_.ended->now; ++i) {
    std::string_view name = directory->names.name(i);
    if (glob_match(query_.pattern, name)) add(joined_path(directory->path, name));
  }
}

}  // namespace

Response search_names(const SearchQuery& query, WorkerPool&) {
  Names names(query);
  bool complete = true;
  if (glob_well_formed(query.pattern)) {
    Root root = open_root(query.root);
    if (root.fd || root.kind != RootKind::directory) names.test_root();
    if (root.fd && root.kind == RootKind::directory)
      complete = walk_tree(std::move(root.fd), query.root, names, *query.ended);
  }
  return names.finish(complete);
}

}  // namespace dt::daemon
