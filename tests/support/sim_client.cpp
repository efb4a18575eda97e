#include "tests/support/sim_client.hpp"

#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/writer.hpp"
#include "tests/support/fake_sql.hpp"

#include <utility>

namespace penstock::test {
namespace {

using wire::TransactionStatus;

std::string shown(const Message& message) {
    std::string text = std::string(1, message.type) + " ";
    for (const char c : message.body.substr(0, 90)) text += c < ' ' ? '.' : c;
    return text;
}

}  // namespace

SimClient::SimClient(
    std::uint32_t number, std::uint64_t seed, const Weather& weather, std::size_t steps
)
    : number_(number),
      tag_("c" + std::to_string(number) + "."),
      weather_(weather),
      random_(seed),
      steps_left_(steps),
      oracle_(number, number, 0),
      ahead_(oracle_) {
    wire::Parameters parameters{{"user", chance(80) ? "app" : "report"}, {"database", "orders"}};
    if (chance(60)) {
        parameters.emplace_back("application_name", tag_ + "app");
        has_own_defaults_ = true;
    }
    if (chance(30)) {
        parameters.emplace_back("TimeZone", chance(50) ? "Europe/Berlin" : "Asia/Tokyo");
        has_own_defaults_ = true;
    }
    if (chance(10)) parameters.emplace_back("extra_float_digits", "1");
    wire::write_startup_message(out_, 0, parameters);
    oracle_.receive(out_);
    oracle_.step();
    for (const Message& message : messages(oracle_.take_all_output())) {
        if (message.type != 'S') continue;
        wire::ByteReader reader(message.body);
        const std::string name(reader.c_string());
        oracle_view_[name] = reader.c_string();
    }
    waits_ = true;
}

std::string SimClient::state_text() const {
    std::string text = tag_ + (is_logged_in_ ? " logged in" : " logging in") +
                       (waits_ ? ", waits" : "") + (is_over() ? ", over" : "") +
                       (oracle_.is_in_copy() ? ", in COPY" : "") + ", pending:";
    for (const std::string& message : pending_) text += message.substr(0, 1);
    text += " expected:";
    for (const Message& message : expected_) text += message.type;
    return text;
}

void SimClient::violation(const std::string& text) {
    if (violation_.empty()) violation_ = "client " + state_text() + ": " + text;
}

void SimClient::receive(std::string_view bytes) {
    in_ += bytes;
    wire::FrameCursor cursor(in_, 0x7fffffff);
    wire::Frame frame;
    while (!cursor.is_empty() && cursor.next(frame) == wire::FrameResult::Whole) {
        check({frame.type, std::string(frame.body)});
        cursor.take(frame);
        if (!violation_.empty()) return;
    }
    in_.erase(0, in_.size() - cursor.rest().size());
    if (is_logged_in_ && waits_ && is_answered()) {
        waits_ = false;
        check_parameters();
    }
}

void SimClient::closed(bool has_asked) {
    is_closed_ = true;
    // As at PostgreSQL, where a shutdown meets a process that still reads the start-up packet.
    if (!has_asked && has_fatal_) violation("heard a word before it had asked for anything");
    // Inside a message that was forwarded in part no word is possible.
    if (has_asked && end_ == End::Open && !has_fatal_ && in_.empty())
        violation("the link ended without a word");
}

void SimClient::check(const Message& message) {
    ++replies_;
    if (message.type != 'S') is_between_ = message.type == 'Z' || !is_logged_in_;
    if (has_fatal_) return violation("a message behind FATAL: " + shown(message));
    if (has_lost_copy_) return;
    if (message.type == 'S') {
        wire::ByteReader reader(message.body);
        const std::string name(reader.c_string());
        const std::string value(reader.c_string());
        view_[name] = value;
        // In front of all answers it is said of the server that serves from here on.
        if (is_between_) {
            oracle_.follow(name, value);
            ahead_.follow(name, value);
            oracle_view_[name] = oracle_.parameter(name);
        }
        return;
    }
    if (message.type == 'N') {
        if (wire::read_error(message.body).message == "chatter") return;
        return violation("an odd notice: " + shown(message));
    }
    if (message.type == 'E') {
        const wire::ErrorFields error = wire::read_error(message.body);
        if (error.is_fatal()) {
            has_fatal_ = true;
            // A login that asks PostgreSQL about its start-up values waits for a server as a query
            // does.
            const bool is_refused_login =
                !is_logged_in_ && weather_.has_refusals && error.sql_state == "53300";
            // As at PostgreSQL, where one that comes into a shutdown hears that.
            const bool is_late_login = !is_logged_in_ && error.sql_state == "57P03";
            if (!is_refused_login && !is_late_login &&
                !weather_.fatal_states.contains(std::string(error.sql_state)))
                violation("ended by " + shown(message));
            return;
        }
    }
    if (!is_logged_in_) return check_login(message);
    const std::string tag = message.type == 'D' || message.type == 'd' ? tag_in(message.body) : "";
    if (!tag.empty() && tag != tag_) violation("got a row of " + tag + ": " + shown(message));
    if (expected_.empty()) ask_oracle(message);
    // A COPY that misses the rest of its data fails; nothing can follow.
    if (expected_.empty() && end_ == End::Orderly && message.type == 'E' && oracle_.is_in_copy()) {
        has_lost_copy_ = true;
        return;
    }
    if (expected_.empty()) return violation("was told what it did not ask: " + shown(message));
    if (!(expected_.front() == message)) {
        return violation(
            "got       " + shown(message) + "\n  expected: " + shown(expected_.front())
        );
    }
    if (message.type == 'E') may_bind_unnamed_ = false;
    expected_.pop_front();
}

void SimClient::check_login(const Message& message) {
    wire::ByteReader reader(message.body);
    if (message.type == 'K') {
        process_id_ = reader.u32();
        secret_ = reader.u32();
    } else if (message.type == 'Z') {
        is_logged_in_ = true;
    } else if (message.type != 'R') {
        violation("at login: " + shown(message));
    }
}

// Is it an error that the oracle cannot know of?
bool SimClient::may_be_planned(const Message& message) const {
    if (message.type != 'E') return false;
    const wire::ErrorFields error = wire::read_error(message.body);
    if (error.sql_state == "57014")
        return error.message == "canceling statement due to user request";
    // The database is away, or ends a login.
    const bool is_away = error.sql_state == "08006" || error.sql_state == "57P01";
    if (is_away) return weather_.fatal_states.contains("08006");
    return weather_.has_refusals && error.sql_state == "53300";
}

// Runs the oracle up to its next reply.
void SimClient::ask_oracle(const Message& message) {
    const bool is_planned = may_be_planned(message);
    if (is_planned) {
        is_refused_ = true;
        const wire::ErrorFields error = wire::read_error(message.body);
        if (error.sql_state == "57014" && ++cancels_felt_ > cancels_asked_)
            return violation("was cancelled and nobody asked for it");
        // A COPY has read the Sync in front of its data before it can be interrupted.
        while (oracle_.is_in_copy() && !pending_.empty() &&
               (pending_.front().front() == 'S' || pending_.front().front() == 'H')) {
            oracle_.receive(pending_.front());
            pending_.pop_front();
            oracle_.step();
        }
        oracle_.fail_next(error.sql_state, error.message);
    }
    std::string said = oracle_.take_all_output();
    while (said.empty()) {
        if (!oracle_.has_work()) {
            if (pending_.empty()) return;
            oracle_.receive(pending_.front());
            pending_.pop_front();
        }
        if (oracle_.has_work()) oracle_.step();
        said = oracle_.take_all_output();
    }
    for (Message& reply : messages(said)) {
        if (reply.type == 'S') {
            wire::ByteReader reader(reply.body);
            const std::string name(reader.c_string());
            oracle_view_[name] = reader.c_string();
        } else {
            expected_.push_back(std::move(reply));
        }
    }
    // A refusal has words of its own in its detail.
    if (is_planned && !expected_.empty() && expected_.front().type == 'E') {
        const wire::ErrorFields ours = wire::read_error(expected_.front().body);
        const wire::ErrorFields theirs = wire::read_error(message.body);
        if (ours.sql_state == theirs.sql_state && ours.message == theirs.message)
            expected_.front() = message;
    }
}

// Has PostgreSQL nothing more to say to what was sent?
bool SimClient::is_answered() {
    if (!expected_.empty()) return false;
    FakeBackend ahead = oracle_;
    for (const std::string& message : pending_) ahead.receive(message);
    while (ahead.has_work()) {
        ahead.step();
        if (!ahead.take_output().empty()) return false;
    }
    ahead_ = ahead;
    // With answers held back the real server may still fail at what the oracle would have run.
    if (ahead.take_all_output().empty()) {
        oracle_ = ahead;
        pending_.clear();
    }
    return true;
}

void SimClient::check_parameters() {
    if (ahead_.status() != TransactionStatus::Idle || needs_end_) return;
    for (auto& [name, value] : oracle_view_) {
        if (view_[name] == value) continue;
        // Taken back by the batch itself: to what the server that serves now began with.
        if (oracle_.is_default(name) && FakeBackend::may_be_default(name, view_[name])) {
            oracle_.follow(name, view_[name]);
            ahead_.follow(name, view_[name]);
            value = view_[name];
            continue;
        }
        return violation(
            "parameter " + name + " is '" + view_[name] + "', PostgreSQL would say '" + value + "'"
        );
    }
}

bool SimClient::act() {
    if (is_over() || has_fatal_ || !is_logged_in_ || waits_) return false;
    if (ahead_.is_in_copy()) {
        ahead_ = oracle_;
        send_copy_data();
    } else if (needs_end_) {
        // The rest of a batch of which the first part was flushed.
        if (chance(50)) send_unit(false);
        empty_message('S');
        needs_end_ = false;
        waits_ = true;
    } else if (steps_left_ == 0) {
        send_end();
    } else {
        --steps_left_;
        send_batch();
    }
    // What is held back until a Sync is not waited for.
    if (waits_ && is_answered()) waits_ = false;
    return true;
}

}  // namespace penstock::test
