// A database that refuses logins or is away: what its clients hear, and when they are served again.
// All workers of the process know what one of them has met.
#include "dataplane/proxy/core.hpp"

namespace penstock::proxy {
namespace {

// While the next login is under way, what the last one met holds for so long.
constexpr Duration failure_is_news = std::chrono::seconds(1);

std::int64_t to_us(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace

void Core::logins_succeed(Pool& pool) {
    pool.failure = {};
    pool.login_retry = {};
    pool.open_not_before = {};
    if (pool.share->failing_until_us.load(std::memory_order_relaxed) != 0)
        pool.share->failing_until_us.store(0, std::memory_order_release);
}

// The last login failed. That the database has no room is not shared: it has some for others.
void Core::share_failure(const Pool& pool) {
    if (board_.workers() == 1) return;
    if (pool.failure.sql_state == wire::sql_state::too_many_connections) return;
    pool::LoginFailure failure;
    failure.is_servers = pool.failure.is_servers;
    failure.severity = pool.failure.severity;
    failure.sql_state = pool.failure.sql_state;
    failure.message = pool.failure.message;
    board_.shares.login_failed(*pool.share, std::move(failure), to_us(pool.open_not_before));
}

// What another worker has met since.
void Core::learn_failure(Pool& pool) {
    if (board_.workers() == 1) return;
    const std::int64_t until = pool.share->failing_until_us.load(std::memory_order_acquire);
    const bool has_failed = !pool.failure.sql_state.empty();
    if (until == 0) {
        const bool is_room = pool.failure.sql_state == wire::sql_state::too_many_connections;
        if (has_failed && !is_room) logins_succeed(pool);
        return;
    }
    if (has_failed || until <= to_us(now_) || has_living_server(pool)) return;
    pool::LoginFailure failure = board_.shares.failure(*pool.share);
    pool.failure.is_servers = failure.is_servers;
    pool.failure.severity = std::move(failure.severity);
    pool.failure.sql_state = std::move(failure.sql_state);
    pool.failure.message = std::move(failure.message);
    pool.open_not_before = TimePoint(std::chrono::microseconds(until));
}

bool Core::has_living_server(const Pool& pool) const {
    return pool.servers - pool.closing > pool.opening;
}

// The last login failed, another is not due or not over, and nothing else could serve. A database
// that has no room is not down.
bool Core::is_down(const Pool& pool) const {
    if (pool.failure.sql_state.empty() || has_living_server(pool)) return false;
    if (pool.failure.sql_state == wire::sql_state::too_many_connections) return false;
    if (now_ < pool.open_not_before) return true;
    return pool.opening > 0 && now_ < pool.open_not_before + failure_is_news;
}

void Core::refuse_unserved(Pool& pool) {
    const session::ServerLoginFailure failure = pool.failure;
    std::string detail;
    const wire::ErrorText text = down_text(failure, detail);
    while (!pool.waiting.is_empty()) {
        metrics_.transactions_refused.add();
        refuse_waiting(clients_.at(pool.waiting.front()), text);
    }
}

// detail: what the text's views may point into, besides the failure.
wire::ErrorText Core::down_text(const session::ServerLoginFailure& failure, std::string& detail)
    const {
    if (failure.is_servers) {
        detail =
            "Penstock could not log in to the database at " + settings_->database_address + ".";
    }
    return {
        wire::Severity::Error,
        failure.sql_state,
        failure.message,
        detail,
        "The transaction was not begun. The connection stays usable, and the login is tried "
        "again."};
}

}  // namespace penstock::proxy
