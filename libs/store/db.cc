#include "libs/store/db.h"

#include <fcntl.h>
#include <sys/file.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "libs/base/fd.h"
#include "libs/store/connection.h"
#include "libs/store/migrate.h"
#include "libs/store/writer.h"

namespace dt::store {

struct Database::Impl {
  Fd lock;  // held as long as we live, whatever way we end
  std::string path;
  Millis busy_timeout{};
  uint64_t serial = 0;  // never reused, unlike an address: keys the per-thread look-up
  int version = 0;
  std::unique_ptr<Writer> writer;
  std::mutex mutex;
  std::map<std::thread::id, std::unique_ptr<Connection>> readers;  // guarded by mutex
};

namespace {
std::atomic<uint64_t> next_serial{1};

// The connection this thread used last; the map behind the lock is the owner.
struct LastReader {
  uint64_t serial = 0;
  Connection* connection = nullptr;
};
thread_local LastReader last_reader;

// One process per database. The one before may be on its way out.
Result<Fd> lock_for_us(const std::string& database, Millis patience) {
  std::string path = database + ".lock";
  TRY(Fd fd, open_file(path.c_str(), O_RDWR | O_CREAT, 0600));
  for (Mono deadline = after(patience); ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;) {
    if (errno != EWOULDBLOCK) return fail_errno("lock " + path);
    if (after(Millis(0)) > deadline)
      return fail(Code::unavailable, "another process has the database open: " + database);
    std::this_thread::sleep_for(Millis(20));
  }
  return fd;
}
}  // namespace

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(Options options) {
  auto impl = std::make_unique<Impl>();
  impl->path = options.path;
  impl->busy_timeout = options.busy_timeout;
  impl->serial = next_serial.fetch_add(1);
  TRY(impl->lock, lock_for_us(options.path, options.busy_timeout));
  TRY(auto connection, Connection::open(options.path, Connection::Mode::write, options.busy_timeout));
  TRY(impl->version, migrate(*connection, options.migrations));
  impl->writer = std::make_unique<Writer>(std::move(connection), options.batch);
  return std::unique_ptr<Database>(new Database(std::move(impl)));
}

Result<Connection*> Database::reader_connection() {
  if (last_reader.serial == impl_->serial) return last_reader.connection;
  std::lock_guard lock(impl_->mutex);
  auto& slot = impl_->readers[std::this_thread::get_id()];
  if (!slot) {
    TRY(slot, Connection::open(impl_->path, Connection::Mode::read, impl_->busy_timeout));
  }
  last_reader = {impl_->serial, slot.get()};
  return slot.get();
}

void Database::submit(std::move_only_function<Status(Txn&)> job,
                      std::move_only_function<void(Status)> finish) {
  impl_->writer->submit(std::move(job), std::move(finish));
}

Status Database::ping() {
  return read([](Reader& r) -> Status {
    TRY(auto one,
        r.one("SELECT count(*) FROM schema_version", [](const Row& row) { return row.integer(0); }));
    return one ? Status{} : fail(Code::internal, "the database does not answer");
  });
}

int Database::schema_version() const { return impl_->version; }
Database::Stats Database::stats() const { return impl_->writer->stats(); }

}  // namespace dt::store
