#include "tests/support/sim_world.hpp"

#include "dataplane/wire/startup.hpp"
#include "tests/support/fake_sql.hpp"
#include "tests/support/sim_names.hpp"

#include <algorithm>

namespace penstock::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view proxy_tag = "penstock:pool/proxy-0";

}  // namespace

SimWorld::SimWorld(std::uint64_t seed, std::size_t notes_max)
    : seed_(seed), notes_max_(notes_max), random_(seed), now_(seconds(1000)) {
    choose_settings();
    const auto workers = static_cast<std::uint32_t>(2 + random(3));
    board_ = std::make_unique<pool::Board>(workers, limit_);
    const auto settings = std::make_shared<const proxy::Settings>(settings_);
    for (std::uint32_t i = 0; i < workers; ++i) {
        Worker& worker = workers_.emplace_back();
        worker.random = std::make_unique<SeededRandom>(random_());
        worker.proxy = std::make_unique<proxy::Proxy>(i, *worker.random, *board_, settings, now_);
    }
    for (std::uint32_t i = 0; i < workers; ++i) arrange_tick(i);
    plan();
}

SimWorld::~SimWorld() {
    for (const auto& backend : backends_) backend->held.reset();
    for (Worker& worker : workers_) {
        for (auto& [_, conn] : worker.conns) conn->blocks.clear();
    }
    for (const ConnPtr& conn : clients_) conn->blocks.clear();
}

void SimWorld::choose_settings() {
    settings_.login.authentication = session::ClientAuthentication::Trust;
    settings_.application_tag = proxy_tag;
    settings_.database_address = "database:5432";
    settings_.cancel_wait_timeout = seconds(10);
    settings_.server_connect_timeout = seconds(5);
    settings_.server_login_retry = milliseconds(500);
    settings_.drain_timeout = seconds(20);
    settings_.logins_in_flight_max = static_cast<std::int32_t>(1 + random(4));
    settings_.prepared_statements_max = chance(50) ? 200 : static_cast<std::int32_t>(1 + random(3));
    if (chance(20)) settings_.pool_mode = proxy::PoolMode::Session;
    if (chance(30)) settings_.queue_wait_timeout = milliseconds(20 + random(300));
    if (chance(20)) settings_.query_timeout = milliseconds(30 + random(300));
    if (chance(20)) settings_.idle_in_transaction_timeout = milliseconds(30 + random(300));
    if (chance(20)) settings_.transaction_timeout = milliseconds(30 + random(500));
    if (chance(20)) settings_.client_idle_timeout = milliseconds(100 + random(500));
    if (chance(30)) settings_.server_idle_timeout = milliseconds(30 + random(500));
    if (chance(30)) settings_.server_lifetime = milliseconds(100 + random(1000));
    if (chance(20)) settings_.server_limits.per_user = static_cast<std::int32_t>(1 + random(3));
    if (chance(20)) settings_.server_limits.per_database = static_cast<std::int32_t>(1 + random(3));
    if (chance(30)) settings_.server_check_delay = std::chrono::milliseconds(random(40));

    limit_ = limit_max_ = static_cast<std::int32_t>(1 + random(5));
    connections_max_ = chance(85) ? 1000 : static_cast<int>(1 + random(4));
    trouble_percent_ = chance(60) ? static_cast<int>(random(100)) : 0;
    has_kills_ = chance(40);
    has_resets_ = chance(30);
    split_percent_ = static_cast<int>(random(100));

    weather_.is_session_mode = settings_.pool_mode == proxy::PoolMode::Session;
    weather_.has_refusals = settings_.queue_wait_timeout > Duration::zero();
    auto& fatal = weather_.fatal_states;
    fatal.insert("57P01");
    if (has_kills_ || has_resets_) fatal.insert("08006");
    // A login waits for a server, too.
    if (connections_max_ < 1000 || weather_.has_refusals) fatal.insert("53300");
    if (settings_.query_timeout > Duration::zero()) fatal.insert("57014");
    if (settings_.idle_in_transaction_timeout > Duration::zero()) fatal.insert("25P03");
    if (settings_.transaction_timeout > Duration::zero()) fatal.insert("25P04");
    if (settings_.client_idle_timeout > Duration::zero()) fatal.insert("57P05");
}

void SimWorld::plan() {
    const std::size_t clients = 2 + random(14);
    const int spread_us = chance(50) ? 2'000 : 400'000;
    for (std::size_t i = 0; i < clients; ++i) after(moment(spread_us), [this] { start_client(); });
    end_at_ = now_ + milliseconds(200 + random(1500));
    if (trouble_percent_ > 0) after(moment(50'000), [this] { trouble(); });
    if (chance(15)) {
        const auto worker = static_cast<std::uint32_t>(random(workers_.size()));
        after(moment(1'000'000), [this, worker] {
            workers_[worker].is_draining = has_early_drain_ = true;
            note("drain w" + std::to_string(worker));
            workers_[worker].proxy->drain(now_);
            perform(worker, nullptr);
        });
    }
}

void SimWorld::after(Duration delay, std::function<void()> event) {
    queue_.push({now_ + delay, ++events_, std::make_shared<std::function<void()>>(std::move(event))}
    );
}

SimWorld::Duration SimWorld::moment(int us_max) {
    return microseconds(1 + random(static_cast<std::uint64_t>(us_max)));
}

void SimWorld::note(const std::string& text) {
    notes_.push_back(
        std::to_string(std::chrono::duration_cast<microseconds>(now_.time_since_epoch()).count()) +
        " " + text
    );
    if (notes_.size() > notes_max_) notes_.pop_front();
}

void SimWorld::violation(const std::string& text) {
    if (violation_.empty()) violation_ = text;
}

std::string SimWorld::run() {
    const TimePoint give_up = end_at_ + seconds(150);
    while (!queue_.empty() && violation_.empty()) {
        const Event event = queue_.top();
        queue_.pop();
        now_ = event.at;
        (*event.run)();
        check_turn();
        if (!is_ending_ && now_ >= end_at_) {
            is_ending_ = true;
            is_database_down_ = false;
            for (const ConnPtr& conn : clients_) conn->client->finish_soon();
        }
        if (is_ending_ && is_quiet()) {
            check_end();
            break;
        }
        if (now_ > give_up) {
            violation("the run does not come to its end");
            for (const ConnPtr& conn : clients_) {
                if (!conn->client->is_over()) violation_ += "\n" + conn->client->state_text();
            }
        }
    }
    if (violation_.empty()) return {};
    std::string text = "SIM_SEED=" + std::to_string(seed_) + "\n";
    for (const std::string& note : notes_) text += note + "\n";
    return text + "SIM_SEED=" + std::to_string(seed_) + " " + violation_;
}

std::size_t SimWorld::replies() const {
    std::size_t total = 0;
    for (const ConnPtr& conn : clients_) total += conn->client->replies();
    return total;
}

// Peers.

void SimWorld::start_client() {
    if (is_ending_) return;
    const auto worker = static_cast<std::uint32_t>(random(workers_.size()));
    if (workers_[worker].is_draining) return;
    auto conn = std::make_shared<Conn>();
    conn->worker = worker;
    conn->link = workers_[worker].proxy->accepted(now_);
    workers_[worker].conns[key_of(conn->link)] = conn;
    conn->client = std::make_shared<SimClient>(next_client_++, random_(), weather_, 2 + random(25));
    note("client " + conn->client->tag() + " is " + name_of(worker, conn->link));
    clients_.push_back(conn);
    run_client(conn);
}

void SimWorld::run_client(const ConnPtr& conn) {
    SimClient& client = *conn->client;
    const std::string out = client.take_output();
    const bool ends = client.end() != SimClient::End::Open && !conn->has_said_end;
    if (!out.empty() || ends) {
        conn->has_said_end = ends;
        conn->up.bytes += out;
        conn->sent += out;
        if (client.end() == SimClient::End::Orderly) conn->up.has_ended = true;
        if (client.end() == SimClient::End::Abrupt) {
            const std::size_t lost = chance(50) ? random(conn->up.bytes.size() + 1) : 0;
            conn->up.bytes.resize(conn->up.bytes.size() - lost);
            conn->sent.resize(conn->sent.size() - lost);
            conn->up.has_ended = true;
        }
        pump_up(conn);
    }
    if (client.is_over() || client.waits() || conn->is_thinking) return;
    conn->is_thinking = true;
    const int think_us = chance(80) ? 300 : chance(80) ? 20'000 : 200'000;
    after(moment(think_us), [this, conn] {
        conn->is_thinking = false;
        if (conn->client->act()) run_client(conn);
    });
}

void SimWorld::start_canceller(const std::shared_ptr<SimClient>& target) {
    const auto worker = static_cast<std::uint32_t>(random(workers_.size()));
    if (workers_[worker].is_draining) return;
    auto conn = std::make_shared<Conn>();
    conn->worker = worker;
    conn->link = workers_[worker].proxy->accepted(now_);
    conn->is_canceller = true;
    workers_[worker].conns[key_of(conn->link)] = conn;
    std::string secret;
    wire::append_u32(secret, target->secret() + (chance(5) ? 1 : 0));
    wire::write_cancel_request(conn->up.bytes, target->process_id(), secret);
    if (chance(10)) conn->up.bytes += "more than was asked";
    target->cancel_requested();
    note("cancel of " + target->tag() + " by " + name_of(worker, conn->link));
    if (chance(50)) conn->up.has_ended = true;
    pump_up(conn);
}

void SimWorld::run_backend(const std::shared_ptr<Backend>& backend) {
    if (backend->is_stepping) return;
    if (!backend->session.is_over() && !backend->session.has_work()) return;
    backend->is_stepping = true;
    const int us = chance(85) ? 200 : chance(85) ? 5'000 : 100'000;
    after(moment(us), [this, backend] {
        backend->is_stepping = false;
        if (backend->session.has_work()) backend->session.step();
        const std::string out = backend->session.take_output();
        for (std::string& text : backend->session.take_committed())
            committed_[tag_in(text)].push_back(std::move(text));
        if (!backend->session.violations().empty())
            return violation("backend: " + backend->session.violations().front());
        if (!out.empty() && backend->conn != nullptr) {
            backend->conn->up.bytes += out;
            pump_up(backend->held);
        }
        if (backend->session.is_over()) return backend_over(backend);
        run_backend(backend);
    });
}

void SimWorld::backend_over(const std::shared_ptr<Backend>& backend) {
    const auto found = std::ranges::find(backends_, backend);
    if (found == backends_.end()) return;
    backends_.erase(found);
    if (const auto& cancel = backend->session.cancel_request()) {
        for (const auto& target : backends_) {
            if (target->session.process_id() != cancel->process_id) continue;
            if (target->session.secret() != cancel->secret)
                violation("a cancel with a wrong secret reached the database");
            note("signal to process " + std::to_string(cancel->process_id));
            target->session.cancel();
            const std::string out = target->session.take_output();
            target->conn->up.bytes += out;
            pump_up(target->held);
            break;
        }
    }
    const ConnPtr conn = backend->held;
    after(moment(chance(80) ? 50 : 5'000), [this, conn, backend] {
        conn->up.has_ended = true;
        pump_up(conn);
        backend->held.reset();
        backend->conn = nullptr;
    });
}

std::shared_ptr<SimWorld::Backend> SimWorld::some_backend() {
    if (backends_.empty()) return nullptr;
    return backends_[random(backends_.size())];
}

// Faults and changes.
void SimWorld::trouble() {
    if (is_ending_) return;
    const std::uint64_t kind = random(100);
    if (kind < 35 && !clients_.empty()) {
        const auto& client = clients_[random(clients_.size())]->client;
        if (client->is_logged_in() && !client->is_over()) start_canceller(client);
    } else if (kind < 50) {
        const auto backend = some_backend();
        if (has_kills_ && backend != nullptr && backend->is_counted) {
            note("kill process " + std::to_string(backend->session.process_id()));
            backend->session.kill();
            run_backend(backend);
        }
    } else if (kind < 58) {
        const auto backend = some_backend();
        if (has_resets_ && backend != nullptr && backend->held != nullptr) reset(backend->held);
    } else if (kind < 64 && !clients_.empty()) {
        const ConnPtr conn = clients_[random(clients_.size())];
        if (has_resets_ && conn->is_named) {
            conn->client->break_off();
            reset(conn);
        }
    } else if (kind < 75) {
        limit_ = 1 + static_cast<std::int32_t>(random(5));
        limit_max_ = std::max(limit_max_, limit_);
        note("limit " + std::to_string(limit_));
        board_->set_limit(limit_);
        for (std::uint32_t i = 0; i < workers_.size(); ++i) {
            after(moment(500), [this, i] {
                workers_[i].proxy->limits_changed(now_);
                perform(i, nullptr);
            });
        }
    } else if (kind < 80) {
        auto changed = settings_;
        changed.prepared_statements_max = static_cast<std::int32_t>(1 + random(50));
        changed.server_idle_timeout = milliseconds(random(400));
        const auto settings = std::make_shared<const proxy::Settings>(changed);
        for (std::uint32_t i = 0; i < workers_.size(); ++i) {
            workers_[i].proxy->configure(settings, now_);
            perform(i, nullptr);
        }
    } else if (kind < 85) {
        const auto backend = some_backend();
        if (backend != nullptr) {
            backend->session.say_notice();
            const std::string out = backend->session.take_all_output();
            if (backend->held != nullptr) {
                backend->conn->up.bytes += out;
                pump_up(backend->held);
            }
        }
    } else if (kind < 88 && has_kills_) {
        is_database_down_ = true;
        after(moment(100'000), [this] { is_database_down_ = false; });
    }
    after(moment(400'000 / (1 + trouble_percent_)), [this] { trouble(); });
}

void SimWorld::check_turn() {
    int alive = 0;
    for (const auto& backend : backends_) alive += backend->is_counted ? 1 : 0;
    const std::int32_t used = board_->used();
    if (alive > used) {
        violation(
            std::to_string(alive) + " connections at the database, permits for " +
            std::to_string(used)
        );
    }
    if (used > limit_ && used > used_before_)
        violation("a permit was taken above the limit of " + std::to_string(limit_));
    used_before_ = used;
}

bool SimWorld::is_quiet() const {
    return std::ranges::all_of(clients_, [](const ConnPtr& conn) {
        return conn->client->is_over() && !conn->is_named;
    });
}

// All clients are gone: nothing of them may be left.
void SimWorld::check_end() {
    const TimePoint settled = now_ + seconds(15);
    const auto run_until = [this](TimePoint until) {
        while (!queue_.empty() && violation_.empty() && queue_.top().at <= until) {
            const Event event = queue_.top();
            queue_.pop();
            now_ = event.at;
            (*event.run)();
            check_turn();
        }
        now_ = until;
    };
    run_until(settled);
    check_effects();
    if (board_->used() > limit_) violation("more connections than the limit though nobody works");
    for (const auto& backend : backends_) {
        if (!backend->is_counted || !backend->session.is_logged_in()) continue;
        if (!backend->session.parameter("application_name").starts_with(proxy_tag))
            violation("an idle server's name is " + backend->session.parameter("application_name"));
        if (backend->session.status() != wire::TransactionStatus::Idle)
            violation("an idle server is inside a transaction");
    }
    for (std::uint32_t i = 0; i < workers_.size(); ++i) {
        const proxy::Census census = workers_[i].proxy->census();
        const auto is_zero = [&](const char* what, std::size_t number) {
            if (number == 0) return;
            violation(
                "worker " + std::to_string(i) + " has " + std::to_string(number) + " " + what +
                " left"
            );
        };
        is_zero("clients", census.clients);
        is_zero("waiting clients", census.waiting);
        is_zero("cancels", census.cancels);
        is_zero("servers at work", census.servers_busy);
        is_zero("client statements", census.statements);
        if (workers_[i].is_draining) continue;
        workers_[i].proxy->drain(now_);
        perform(i, nullptr);
    }
    run_until(now_ + seconds(90));
    for (std::uint32_t i = 0; i < workers_.size(); ++i) {
        if (!workers_[i].is_drained) violation("worker " + std::to_string(i) + " does not end");
        const proxy::Census census = workers_[i].proxy->census();
        if (census.servers + census.values > 0)
            violation("worker " + std::to_string(i) + " has servers or values left");
    }
    if (board_->used() != 0) violation(std::to_string(board_->used()) + " permits are left");
}

}  // namespace penstock::test
