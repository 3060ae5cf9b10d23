// Search by content. One thread walks the tree and hands out runs of files, which it and idle workers of the
// pool search; answers are put together in the order of the walk.
#include <fcntl.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "apps/daemon/files/file_info.h"
#include "apps/daemon/files/line_search.h"
#include "apps/daemon/files/search.h"
#include "libs/codec/codec.h"

namespace dt::daemon {
namespace {

constexpr size_t kRun = 128;              // files that one thread takes at once
constexpr uint64_t kInFlight = 32;        // runs that are searched or wait for their turn
constexpr size_t kHeldBack = 256 * 1024;  // bytes of answers of one run that wait for its turn
constexpr unsigned kMostHelpers = 3;

void append_match(std::string& out, std::string_view file, size_t line, std::string_view content) {
  out += ",{\"file\":";
  codec::write_string(out, file);
  out += ",\"line\":" + std::to_string(line) + ",\"content\":";
  codec::write_string(out, content);
  out += '}';
}

// As many as are complete. No text has this between its objects inside: its quotes would have backslashes.
std::string_view whole_objects(std::string_view cut) {
  size_t end = cut.rfind("\"},{\"file\":");
  return end == std::string_view::npos ? std::string_view() : cut.substr(0, end + 2);
}

struct Run {
  std::shared_ptr<const OpenDirectory> directory;
  size_t from = 0, to = 0;
  uint64_t number = 0;
};

// Shared by the walk and its helpers; a helper may find it when all is over.
class Find final : public TreeVisitor {
 public:
  explicit Find(const SearchQuery& query)
      : finder_(query.pattern),
        ended_(query.ended),
        answer_("[", query.answer_limit),
        own_(finder_, *ended_) {}

  // For the walking thread.
  void visit(const std::shared_ptr<const OpenDirectory>& directory, size_t from, size_t to) override;
  void search_root(int fd, const std::string& path);
  Response finish(bool complete);
  // For others: until there is nothing left.
  void help();
  const Ended& ended() const { return *ended_; }

 private:
  void hand_out(Run run);
  bool take(Run& run);  // under the lock
  void search(const Run& run, LineSearch& lines);
  void match(const Run& run, std::string& out, size_t index, size_t number, std::string_view line, bool cut);
  void flush(const Run& run, std::string& out);
  void settle(const Run& run, std::string out);
  void put(std::string_view objects);

  const TextFinder finder_;
  const std::shared_ptr<Ended> ended_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Run> waiting_;
  std::map<uint64_t, std::string> early_;  // answers of runs whose turn has not come
  uint64_t next_ = 0, turn_ = 0;           // number of the next run; of the one whose answer comes next
  size_t active_ = 0;                      // runs that are being searched
  bool walked_ = false;
  bool cut_ = false;  // of a long line only a part is shown
  bool first_ = true;
  AnswerFile answer_;
  LineSearch own_;
};

// Under the lock. `objects` begins with a comma.
void Find::put(std::string_view objects) {
  if (objects.empty()) return;
  bool fits = objects.size() <= answer_.room();
  if (!fits) objects = whole_objects(objects.substr(0, answer_.room()));
  if (!objects.empty()) fits = answer_.append(objects.substr(first_ ? 1 : 0)) && fits;
  if (!fits) answer_.mark_truncated();
  if (!fits) ended_->now = true;
  first_ = false;
}

// Bounds what a run holds back: waits for its turn.
void Find::flush(const Run& run, std::string& out) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return turn_ == run.number || ended_->now; });
  if (turn_ == run.number) put(out);
  out.clear();
}

void Find::settle(const Run& run, std::string out) {
  std::lock_guard lock(mutex_);
  early_.emplace(run.number, std::move(out));
  for (auto it = early_.begin(); it != early_.end() && it->first == turn_; it = early_.erase(it)) {
    put(it->second);
    ++turn_;
  }
  --active_;
  changed_.notify_all();
}

void Find::match(const Run& run, std::string& out, size_t index, size_t number, std::string_view line,
                 bool cut) {
  append_match(out, joined_path(run.directory->path, run.directory->names.name(index)), number, line);
  if (cut) {
    std::lock_guard lock(mutex_);
    cut_ = true;
  }
  if (out.size() >= kHeldBack) flush(run, out);
}

void Find::search(const Run& run, LineSearch& lines) {
  std::string out;
  for (size_t i = run.from; i < run.to && !ended_->now; ++i) {
    if (run.directory->names.type(i) != DT_REG) continue;
    Fd fd(::openat(run.directory->fd.get(), run.directory->names.c_name(i),
                   O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) continue;
    lines.search(fd.get(), [&](size_t number, std::string_view line, bool cut) {
      match(run, out, i, number, line, cut);
    });
  }
  settle(run, std::move(out));
}

bool Find::take(Run& run) {
  if (waiting_.empty() || ended_->now) return false;
  run = std::move(waiting_.front());
  waiting_.pop_front();
  ++active_;
  return true;
}

void Find::help() {
  LineSearch lines(finder_, *ended_);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !waiting_.empty() || walked_ || ended_->now; });
    Run run;
    if (!take(run)) return;
    lock.unlock();
    search(run, lines);
    run = {};
    lock.lock();
  }
}

void Find::hand_out(Run run) {
  std::unique_lock lock(mutex_);
  while (next_ - turn_ >= kInFlight && !ended_->now) {
    Run mine;
    if (!take(mine)) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    search(mine, own_);
    lock.lock();
  }
  run.number = next_++;
  waiting_.push_back(std::move(run));
  changed_.notify_all();  // others wait for their turn here
}

void Find::visit(const std::shared_ptr<const OpenDirectory>& directory, size_t from, size_t to) {
  for (; from < to && !ended_->now; from += kRun) {
    Run run{directory, from, std::min(from + kRun, to)};
    bool any = false;
    for (size_t i = run.from; i < run.to && !any; ++i) any = directory->names.type(i) == DT_REG;
    if (any) hand_out(std::move(run));
  }
}

void Find::search_root(int fd, const std::string& path) {
  std::string out;
  own_.search(fd, [&](size_t number, std::string_view line, bool cut) {
    append_match(out, path, number, line);
    cut_ = cut_ || cut;
    put(out);
    out.clear();
  });
}

Response Find::finish(bool complete) {
  std::unique_lock lock(mutex_);
  walked_ = true;
  changed_.notify_all();
  for (Run run; take(run); run = {}) {
    lock.unlock();
    search(run, own_);
    lock.lock();
  }
  changed_.wait(lock, [this] { return active_ == 0; });
  if (!complete || cut_) answer_.mark_truncated();
  return std::move(answer_).finish("]");
}

}  // namespace

Response find_in_files(const SearchQuery& query, WorkerPool& pool) {
  auto find = std::make_shared<Find>(query);
  bool complete = true;
  // No line contains a line's end.
  Root root = query.pattern.find('\n') == std::string::npos ? open_root(query.root) : Root{};
  if (root.fd && root.kind == RootKind::file) {
    find->search_root(root.fd.get(), query.root);
  } else if (root.fd) {
    unsigned helpers = std::min(std::max(std::thread::hardware_concurrency(), 1U) - 1, kMostHelpers);
    for (unsigned i = 0; i < helpers; ++i) pool.submit([find] { find->help(); });
    complete = walk_tree(std::move(root.fd), query.root, *find, find->ended());
  }
  return find->finish(complete);
}

}  // namespace dt::daemon
