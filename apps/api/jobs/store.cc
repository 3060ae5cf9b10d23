#include "apps/api/jobs/store.h"

namespace dt::api {
namespace {

constexpr auto kKept = std::chrono::hours(24);  // a finished job stays readable

#define DT_JOB_COLUMNS                                                                                 \
  "id, runner_id, type, status, resource_type, resource_id, payload, error_message, result_metadata, " \
  "created_at, "                                                                                       \
  "updated_at"

JobRecord from_row(const store::Row& row) {
  return {.id = row.id<JobId>(0),
          .runner = row.id<RunnerId>(1),
          .type = row.text(2),
          .status = row.text(3),
          .resource_type = row.text(4),
          .resource_id = row.text(5),
          .payload = row.opt_text(6),
          .error_message = row.opt_text(7),
          .result_metadata = row.opt_text(8),
          .created_at = row.time(9),
          .updated_at = row.time(10)};
}

Wall expiry(const JobRecord& job) {
  if (job.complete()) return job.updated_at + kKept;
  return job.updated_at + std::chrono::minutes(job_limit_minutes(job.type));
}

}  // namespace

int64_t job_limit_minutes(std::string_view type) {
  return type == contract::job_type::kCreateSandbox ? 30 : 10;
}

contract::Job to_dto(const JobRecord& job) {
  contract::Job dto;
  dto.id = job.id.str();
  dto.type = job.type;
  dto.status = job.status;
  dto.resourceType = job.resource_type;
  dto.resourceId = job.resource_id;
  dto.payload = job.payload;
  dto.errorMessage = job.error_message;
  dto.createdAt = iso8601(job.created_at);
  dto.updatedAt = iso8601(job.updated_at);
  return dto;
}

Status insert_job(store::Txn& txn, const JobRecord& job) {
  auto done = txn.exec(
      "INSERT INTO jobs (" DT_JOB_COLUMNS ", expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", job.id,
      job.runner, job.type, job.status, job.resource_type, job.resource_id, job.payload, job.error_message,
      job.result_metadata, job.created_at, job.updated_at, expiry(job));
  if (done) return {};
  if (done.error().code == Code::conflict)
    return fail(Code::conflict, "An operation is already in progress for this resource");
  return std::unexpected(std::move(done).error());
}

Result<std::optional<JobRecord>> find_job(store::Reader& db, const JobId& id) {
  return db.one("SELECT " DT_JOB_COLUMNS " FROM jobs WHERE id = ?", from_row, id);
}

Result<bool> has_unfinished_job(store::Reader& db, std::string_view resource_type,
                                std::string_view resource_id) {
  TRY(auto found, db.one(
                      "SELECT 1 FROM jobs WHERE resource_type = ? AND resource_id = ? AND status IN "
                      "('PENDING', 'IN_PROGRESS') "
                      "LIMIT 1",
                      [](const store::Row& row) { return row.integer(0); }, resource_type, resource_id));
  return found.has_value();
}

Result<std::vector<JobRecord>> claim_pending_jobs(store::Txn& txn, const RunnerId& runner, int64_t limit,
                                                  Wall now) {
  TRY(auto jobs, txn.all("SELECT " DT_JOB_COLUMNS " FROM jobs WHERE runner_id = ? AND status = 'PENDING' "
                         "ORDER BY created_at, id LIMIT ?",
                         from_row, runner, limit));
  for (JobRecord& job : jobs) {
    job.status = contract::job_status::kInProgress;
    job.updated_at = now;
    TRY_VOID(save_job(txn, job));
  }
  return jobs;
}

Status save_job(store::Txn& txn, const JobRecord& job) {
  TRY(int64_t rows,
      txn.exec("UPDATE jobs SET status = ?, error_message = ?, result_metadata = ?, updated_at = ?, "
               "expires_at = ? WHERE id = ?",
               job.status, job.error_message, job.result_metadata, job.updated_at, expiry(job), job.id));
  if (rows != 1) return fail(Code::not_found, "Job not found");
  return {};
}

Result<std::vector<JobRecord>> unfinished_jobs(store::Reader& db) {
  return db.all("SELECT " DT_JOB_COLUMNS
                " FROM jobs WHERE status IN ('PENDING', 'IN_PROGRESS') ORDER BY created_at, id",
                from_row);
}

Result<std::vector<JobRecord>> lost_jobs(store::Reader& db, Wall now, int64_t limit) {
  return db.all("SELECT " DT_JOB_COLUMNS
                " FROM jobs WHERE expires_at <= ? AND status IN ('PENDING', 'IN_PROGRESS') "
                "ORDER BY expires_at LIMIT ?",
                from_row, now, limit);
}

Result<bool> has_old_jobs(store::Reader& db, Wall now) {
  TRY(auto found,
      db.one(
          "SELECT 1 FROM jobs WHERE expires_at <= ? AND status IN ('COMPLETED', 'FAILED') LIMIT 1",
          [](const store::Row& row) { return row.integer(0); }, now));
  return found.has_value();
}

Result<int64_t> remove_old_jobs(store::Txn& txn, Wall now) {
  return txn.exec("DELETE FROM jobs WHERE expires_at <= ? AND status IN ('COMPLETED', 'FAILED')", now);
}

Result<JobPage> list_jobs(store::Reader& db, const RunnerId& runner, std::string_view status, int64_t page,
                          int64_t limit) {
  auto count = [](const store::Row& row) { return row.integer(0); };
  int64_t offset = (page - 1) * limit;
  JobPage out;
  TRY(auto total, db.one("SELECT count(*) FROM jobs WHERE runner_id = ? AND (? = '' OR status = ?)", count,
                         runner, status, status));
  out.total = total.value_or(0);
  TRY(out.items, db.all("SELECT " DT_JOB_COLUMNS " FROM jobs WHERE runner_id = ? AND (? = '' OR status = ?) "
                        "ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
                        from_row, runner, status, status, limit, offset));
  return out;
}

}  // namespace dt::api
