// One backend of an in-memory PostgreSQL: protocol 3.0 as the manual has it ("Message Flow"), over
// a tiny language in SQL's clothes. A value: a copy is a second session in the same state, so that
// a client can ask "what would PostgreSQL alone have said".
//
// Statements: SELECT 'text' | SELECT $1 | SELECT rows N 'text' | SELECT error | BEGIN | COMMIT |
// ROLLBACK | SET name = 'v' | SHOW name | COPY t FROM STDIN | COPY 'text' TO STDOUT | DISCARD ALL |
// DEALLOCATE ALL | INSERT 'text', of which committed() has what a transaction kept | SELECT literal
// 'text', which is fixed under DateStyle when it is parsed | SELECT
// pg_catalog.set_config('name','v',true), also several with a comma; several with ';' between. All
// else is a syntax error, and so is COPY data that ends with "wrong". A tag (the letter c, a
// number, a dot) anywhere in a text or a value names the client that it is of.
#pragma once

#include "dataplane/wire/frame.hpp"
#include "dataplane/wire/message_type.hpp"
#include "dataplane/wire/startup.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::test {

class FakeBackend {
 public:
    // chatter_seed: of notices that nobody asked for; 0: there are none.
    FakeBackend(std::uint32_t process_id, std::uint32_t secret, std::uint64_t chatter_seed);

    void receive(std::string_view bytes) { in_ += bytes; }
    // The peer has ended its direction: what it sent is dealt with, then the session ends.
    void peer_closed() { is_peer_closed_ = true; }
    // Is there something to deal with now?
    bool has_work() const;
    // Deals with one message, or one statement of a simple Query. Requires: has_work().
    void step();
    // What may leave: PostgreSQL holds back answers until Flush, Sync or a full buffer.
    std::string take_output();
    std::string take_all_output();

    // SIGINT: hits what runs now; nothing if nothing runs.
    void cancel();
    // SIGTERM.
    void kill();
    // The session ends at its startup packet with this FATAL.
    void refuse_login(std::string_view sql_state, std::string_view text);
    // The next message that can fail fails with this.
    void fail_next(std::string_view sql_state, std::string_view text);
    void say_notice();
    // Its sessions begin with other values of what PostgreSQL reports. Before the startup packet.
    void has_other_defaults();
    // Is the parameter what a session that asked for nothing begins with?
    bool is_default(const std::string& name) const;
    // Does any server's session begin with this value?
    static bool may_be_default(const std::string& name, const std::string& value);
    // Another server's default is this session's, unless it set the parameter itself.
    void follow(const std::string& name, const std::string& value);

    bool is_over() const { return is_over_; }
    bool is_logged_in() const { return is_logged_in_; }
    bool is_cancel_request() const { return cancel_.has_value(); }
    struct Cancel {
        std::uint32_t process_id = 0;
        std::uint32_t secret = 0;
    };
    const std::optional<Cancel>& cancel_request() const { return cancel_; }
    std::uint32_t process_id() const { return process_id_; }
    std::uint32_t secret() const { return secret_; }
    wire::TransactionStatus status() const { return status_; }
    bool is_in_copy() const { return copy_.has_value(); }
    bool skips_to_sync() const { return skips_to_sync_; }
    std::string parameter(const std::string& name) const;
    bool has_statement(const std::string& name) const { return statements_.contains(name); }
    std::size_t statements() const { return statements_.size(); }
    // What must not happen and did: another client's tag inside a transaction, a broken message.
    const std::vector<std::string>& violations() const { return violations_; }
    void clear_violations() { violations_.clear(); }
    // The texts of INSERTs whose transactions were committed, in order.
    std::vector<std::string> take_committed() { return std::exchange(committed_, {}); }
    const std::string& user() const { return user_; }
    const std::string& database() const { return database_; }

 private:
    struct Error {
        std::string sql_state;
        std::string text;
    };
    struct Portal {
        std::string sql;
        std::string tag;
        std::vector<std::string> values;
        std::size_t position = 0;
        bool is_done = false;
    };
    struct Copy {
        bool is_of_query = false;
        bool has_begun = false;  // data came
        std::size_t bytes = 0;
        std::string tag;
    };
    using Names = std::map<std::string, std::string>;

    bool whole_message() const;
    void start_up();
    void message(char type, std::string_view body);
    void query_message(std::string_view body);
    void next_statement();
    void end_query();
    void parse(std::string_view body);
    void bind(std::string_view body);
    void describe(std::string_view body);
    void close(std::string_view body);
    void execute(std::string_view body);
    void function_call(std::string_view body);
    void copy_message(char type, std::string_view body);
    // Runs one statement; writes its answer. rows_max: 0 for all. False: it suspended or began
    // COPY.
    bool run(Portal& portal, std::size_t rows_max, bool with_description);
    void set(std::string_view sql);
    void set_locally(std::string_view sql);
    bool may_run(std::string_view sql);
    bool is_interrupted();
    void begin_implicit();
    void commit();
    void abort();
    void fail(std::string_view sql_state, std::string_view text);
    void fatal(std::string_view sql_state, std::string_view text);
    void ready();
    void complete(std::string_view tag);
    void report_parameters();
    void own(std::string_view text);
    void violation(std::string text);

    std::uint32_t process_id_;
    std::uint32_t secret_;
    std::optional<std::mt19937_64> chatter_;
    std::string in_;
    std::string out_;
    std::size_t flushed_ = 0;
    bool is_peer_closed_ = false;
    bool is_logged_in_ = false;
    bool is_over_ = false;
    bool is_extended_ = false;  // the message in work is of the extended protocol
    bool skips_to_sync_ = false;
    bool is_cancelled_ = false;
    std::optional<Error> refusal_;
    std::optional<Error> planned_;
    std::optional<Cancel> cancel_;
    std::string user_;
    std::string database_;
    wire::TransactionStatus status_ = wire::TransactionStatus::Idle;
    Names parameters_;
    Names defaults_;
    Names asked_;  // by the startup packet
    Names reported_;
    std::optional<Names> before_transaction_;
    Names locals_;      // set until the transaction ends, with the values that come back then
    Names statements_;  // "" is the unnamed one
    std::map<std::string, Portal> portals_;
    std::optional<Copy> copy_;
    std::string copy_portal_;
    std::optional<std::vector<std::string>> query_;  // statements of a simple Query still to run
    std::string owner_;                              // tag of the transaction
    std::vector<std::string> inserted_;              // not committed yet
    std::vector<std::string> committed_;
    std::vector<std::string> violations_;
};

}  // namespace penstock::test
