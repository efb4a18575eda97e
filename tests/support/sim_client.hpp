// A client of the simulation: a seeded program of simple queries, pipelines, errors, COPY and
// transactions, and beside it a private FakeBackend that gets the same bytes: what PostgreSQL alone
// would have said. Each reply is compared with it. All that a client sends bears its tag.
//
// The oracle runs one message (or statement) behind the replies, so that an error that only the
// real path can know of (a cancel, a refusal) can be given to it at the same place.
#pragma once

#include "tests/support/fake_postgres.hpp"
#include "tests/support/messages.hpp"

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

// What may happen to a client that PostgreSQL alone would not do to it.
struct Weather {
    bool is_session_mode = false;
    bool has_cancels = false;
    bool has_refusals = false;
    std::set<std::string> fatal_states;  // SQLSTATEs with which a session may end
};

class SimClient {
 public:
    SimClient(std::uint32_t number, std::uint64_t seed, const Weather& weather, std::size_t steps);

    // Sends the next part of the program, if it is its turn. True: something was done.
    bool act();
    void receive(std::string_view bytes);
    // The proxy ended the link. has_asked: its start-up packet had arrived whole.
    void closed(bool has_asked);
    // The rest of the program is left out.
    void finish_soon() { steps_left_ = 0; }
    // Its machine is gone.
    void break_off() { end_ = End::Abrupt; }
    void cancel_requested() { ++cancels_asked_; }
    // Errors may have come to it that PostgreSQL alone would not have made, so that what it sent
    // later had another meaning.
    bool is_disturbed() const { return cancels_asked_ > 0 || is_refused_; }
    bool has_fatal() const { return has_fatal_; }

    std::string take_output() { return std::exchange(out_, {}); }
    enum class End : std::uint8_t { Open, Orderly, Abrupt };
    // Orderly: what was sent is delivered, then the link ends. Abrupt: at once.
    End end() const { return end_; }
    bool is_logged_in() const { return is_logged_in_; }
    bool is_over() const { return end_ != End::Open || is_closed_; }
    bool waits() const { return waits_; }
    std::uint32_t process_id() const { return process_id_; }
    std::uint32_t secret() const { return secret_; }
    const std::string& tag() const { return tag_; }
    std::string take_violation() { return std::exchange(violation_, {}); }
    std::string state_text() const;
    std::size_t replies() const { return replies_; }

 private:
    void check(const Message& message);
    void check_login(const Message& message);
    void check_error(const Message& message);
    bool may_be_planned(const Message& message) const;
    void ask_oracle(const Message& message);
    bool is_answered();
    void check_parameters();
    void violation(const std::string& text);

    void query(const std::string& sql);
    void parse(const std::string& name, const std::string& sql);
    void bind(const std::string& portal, const std::string& name, const std::string& sql);
    void describe(char kind, const std::string& name);
    void close(char kind, const std::string& name);
    void execute(const std::string& portal, std::uint32_t rows_max);
    void empty_message(char type);
    void raw(std::string bytes);

    void send_batch();
    void send_simple();
    void send_extended();
    void send_unit(bool may_keep);
    void send_copy_in();
    void send_copy_data();
    void send_function_call();
    void send_end();
    void send_unsynced_end();
    std::string statement();
    // Of statements that were parsed under settings, or are parsed now.
    bool may_use_literals() const;
    std::string own_select();
    std::string value();
    std::uint64_t random(std::uint64_t below) { return random_() % below; }
    bool chance(std::uint64_t percent) { return random(100) < percent; }

    const std::uint32_t number_;
    const std::string tag_;
    const Weather& weather_;
    std::mt19937_64 random_;
    std::size_t steps_left_;
    bool has_own_defaults_ = false;  // a pooler's RESET goes to the server's

    std::string out_;
    std::string in_;
    End end_ = End::Open;
    bool is_closed_ = false;
    bool has_fatal_ = false;
    bool is_refused_ = false;
    bool has_lost_copy_ = false;
    bool is_between_ = true;  // nothing came behind the last ReadyForQuery
    bool is_logged_in_ = false;
    bool waits_ = false;
    bool needs_end_ = false;  // messages without a Sync behind them were sent
    bool may_bind_unnamed_ = false;
    std::uint32_t process_id_ = 0;
    std::uint32_t secret_ = 0;
    std::size_t cancels_asked_ = 0;
    std::size_t cancels_felt_ = 0;
    std::size_t numbered_ = 0;
    std::size_t replies_ = 0;
    std::string unnamed_sql_;
    std::map<std::string, std::string> names_;  // what was last sent in a Parse
    std::set<std::string> setters_;             // names that ever had a text that changes settings
    std::set<std::string> literals_;            // ... that is read by settings
    bool has_set_in_batch_ = false;
    bool is_in_batch_ = false;

    FakeBackend oracle_;
    FakeBackend ahead_;                // the oracle when it has seen all that was sent
    std::deque<std::string> pending_;  // whole messages that the oracle has not seen
    std::deque<Message> expected_;
    std::map<std::string, std::string> view_;         // parameters as the replies had them
    std::map<std::string, std::string> oracle_view_;  // and as the oracle's had
    std::string violation_;
};

}  // namespace penstock::test
