// The inside of Proxy: all records of one worker and the moves between their states. The parts, a
// file each:
//   core.cpp           entries, links, actions
//   login.cpp          a client from its first byte to its first ReadyForQuery
//   parameters.cpp     what servers report: who asked for it, who is told
//   greeting.cpp       what a new session would be told now
//   client_path.cpp    bytes of a logged-in client
//   statement_path.cpp Parse, Bind, Describe, Close in pool mode Transaction
//   command_path.cpp   SQL about prepared statements
//   statement_undo.cpp what becomes of them with their answers
//   server_path.cpp    bytes of a logged-in server
//   checkout.cpp       who gets which server, and when one comes back
//   server_life.cpp    opening, cleaning, closing servers
//   outage.cpp         what clients hear while logins fail
//   cancel.cpp         CancelRequest
//   budget.cpp         bounds of what clients may make the proxy keep
//   maintenance.cpp    timeouts, limits, drain
//   moving.cpp         servers that change workers
//   permits.cpp        which pool may open a server, and which must give one up
#pragma once

#include "dataplane/proxy/arena.hpp"
#include "dataplane/proxy/proxy.hpp"
#include "dataplane/proxy/records.hpp"
#include "dataplane/session/statement_command.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/frame.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <unordered_map>

namespace penstock::proxy {

class Core {
 public:
    Core(
        std::uint32_t worker,
        RandomSource& random,
        pool::Board& board,
        std::shared_ptr<const Settings> settings,
        TimePoint now
    );
    ~Core();

    // The entries of Proxy, by the same names.
    LinkId accepted();
    void received(LinkId link, std::string_view bytes);
    void connected(LinkId link);
    void tls_established(LinkId link, bool has_protocol);
    std::shared_ptr<const wire::DerivedVerifier> keys_wanted(LinkId link);
    void keys_derived(LinkId link);
    void ended(LinkId link);
    void closed(LinkId link, std::string_view reason);
    void tick();
    TimePoint next_tick() const;
    void cancel_routed(CancelKey key, LinkId canceller, std::uint32_t from_worker);
    void cancel_finished(LinkId canceller);
    void server_wanted(std::uint32_t pool, std::uint32_t wanting_worker);
    void permit_wanted(std::int32_t servers);
    MovedServerPtr take_moved(LinkId link);
    LinkId adopt(MovedServerPtr moved);
    void configure(std::shared_ptr<const Settings> settings);
    void limits_changed();
    void drain();
    void cut_off();
    void unread(LinkId link);
    void pending(std::size_t bytes);

    void begin(TimePoint now);  // every entry begins with it
    void settle();              // and ends with it: free servers meet waiting clients
    void has_turns() { has_turns_ = true; }
    void turn_ended();
    bool has_freed() const { return !freed_.empty(); }

    const std::vector<Action>& actions() const { return actions_; }
    const Metrics& metrics() const { return metrics_; }
    const std::string& server_error() const { return server_error_; }
    Census census() const;

 private:
    // core.cpp
    static bool waits(const Client& client);
    bool is_gone(LinkId client) const { return std::ranges::find(gone_, client) != gone_.end(); }
    void drop_actions_for_gone();
    void forget(Client& client);
    void send(LinkId link, std::string_view bytes);
    void add_send(LinkId link, std::string_view bytes);
    void send_copy(LinkId link, std::string_view bytes) { send(link, arena_.copy(bytes)); }
    void act(ActionKind kind, LinkId link) { actions_.push_back({kind, link, {}, 0, {}}); }
    std::unique_ptr<std::string> spare_stash();
    void keep_stash(std::unique_ptr<std::string>& stash, std::string_view rest);
    void drop_stash(std::unique_ptr<std::string>& stash);
    std::string_view open_stash(
        std::unique_ptr<std::string>& stash, std::string_view bytes, std::size_t needed
    );
    std::uint32_t random_u32();

    // login.cpp
    void client_login_bytes(Client& client, std::string_view bytes);
    void client_login_step(Client& client, session::ClientLoginStep step, std::string& out);
    void client_encrypted(Client& client, bool has_protocol);
    void client_authenticated(Client& client, std::string& out);
    void welcome(Client& client);
    void name_client(Client& client);
    bool has_known_parameters(Client& client);
    void probe(Client& client);
    std::string probing_sql(const Client& client);
    void probe_ended(Client& client);
    void learn_probed(Client& client);
    void session_begins(Client& client, Server& server);
    void logged_in(Client& client);
    void write_parameters(Client& client, std::string& out);
    bool is_greeting_due(const Pool& pool);
    void greet(Pool& pool);
    void greet_late(Pool& pool);
    void look(Server& server);
    void looked(Server& server);
    void welcome_looked(Pool& pool, std::uint32_t look);
    void outdate(Pool& pool);
    void welcome_all(Pool& pool);
    void set_name(Client& client, std::string_view name);
    void refuse_welcoming(Pool& pool);
    std::uint32_t pool_for(PoolKey key);
    static std::string written_out(const PoolKey& key);

    // client_path.cpp
    void client_bytes(Client& client, std::string_view bytes);
    enum class Next : std::uint8_t {
        Continue,  // the frame was dealt with
        NeedMore,  // it must be seen again with more of its body
        Wait,      // it waits, with all behind it, until the client has a server
        Gone,      // the record is gone: touch it no more
    };
    void append_stash(Client& client, std::string_view bytes);
    void run_client(Client& client, std::string_view chunk);
    void run_on(Client& client, std::string_view chunk);
    Next client_frame(Client& client, const wire::Frame& frame);
    Next frame_without_server(Client& client, const wire::Frame& frame);
    Next forward_frame(Client& client, Server& server, const wire::Frame& frame);
    Next simple_query(Client& client, Server& server, const wire::Frame& frame);
    Next end_stream(Client& client);
    Next hand_off(Client& client);
    void part(Client& client);
    void break_off(Client& client, std::string_view message);
    void forward(Client& client, Server& server, const wire::Frame& frame);
    void expect(Server& server, session::Expect kind, std::uint32_t owner);
    void expect(Server& server, const session::Expected& entry);
    void refuse(Client& client, const wire::Frame& frame, const wire::ErrorText& error);
    void refuse_waiting(Client& client, const wire::ErrorText& error);
    void fail_client(Client& client, const wire::ErrorText& error);  // FATAL, then gone
    enum class Leaving : std::uint8_t {
        Orderly,  // what it sent is done
        Gone,     // it broke away: what only it would see is cancelled
        CutOff,   // by us: what runs is cancelled
    };
    void leave(Client& client, Leaving how);

    // statement_path.cpp
    Next parse(Client& client, Server& server, const wire::Frame& frame);
    Next parse_unnamed(Client& client, Server& server, const wire::Frame& frame);
    Next bind(Client& client, Server& server, const wire::Frame& frame);
    Next describe_or_close(Client& client, Server& server, const wire::Frame& frame);
    session::Origin origin_now(const Client& client, const Server& server) const;
    static Note renamed_note(session::StatementId sent_as, std::string_view name);
    void expect_noted(Server& server, session::Expected entry, Note note);
    void prepare_on(const Client& client, Server& server, session::StatementId statement);
    void prepare_all_on(const Client&, Server&, const std::vector<session::StatementId>&);
    void parse_on(const Client& client, Server& server, session::StatementId statement);
    void parse_as_of(
        const session::Origin& origin,
        const Client& client,
        Server& server,
        std::string_view name,
        std::string_view definition,
        const session::Expected& entry
    );
    void change_settings(Server& server, const session::Origin& from, const session::Origin& to);
    void make_room(Server& server);
    void close_on(Server& server, session::StatementId statement);
    void fit_unnamed(Client& client, Server& server);
    void send_renamed(
        Server& server,
        const wire::Frame& frame,
        std::string_view before,
        session::StatementId statement,
        std::string_view after
    );
    bool depends_on_open(
        const Server& server, std::string_view name, session::StatementId statement
    ) const;
    Next stall(Client& client);
    void end_stall(Client& client);

    // command_path.cpp
    static wire::ErrorText refusal_text(session::Refusal refusal);
    void refuse_on(
        Server& server, session::Expect kind, std::uint32_t owner, session::Refusal refusal
    );
    bool must_settle(const Server& server) const;
    void settle_first(Server& server);
    Next name_statements(
        Client& client,
        Server& server,
        std::string_view text,
        session::Expected& entry,
        std::unique_ptr<NamedText>& named
    );
    Note deallocation(Client& client, Server& server, std::string_view name);
    bool is_deallocation_of_ours(Server& server, const session::Expected& entry);
    session::Backslashes backslashes(const session::Origin& origin) const;
    session::StatementCommand command_in(std::string_view definition, const session::Origin& origin)
        const;
    session::StatementId meant_by(const Client& client, const session::StatementCommand& sql) const;
    std::string as_sent(std::string_view definition, const session::Origin& origin) const;
    bool renew_meaning(
        Client& client,
        Server& server,
        std::string_view name,
        session::StatementName& statement,
        session::TextLook& look,
        BoundCommand& bound
    );
    static void note_command(Client&, std::string_view portal, BoundCommand&&, session::TextLook);
    Next execute_command(Client&, Server&, const wire::Frame&, session::Expected& entry);
    void note_settings(Server& server, std::string_view sql);
    bool may_change_settings(const Server& server, session::TextLook look, std::string_view sql)
        const;

    // statement_undo.cpp
    UnnamedStatement& change_unnamed(Client& client, Server& server);
    std::uint64_t end_unnamed(Client& client, Server& server);
    void settle_unnamed(UnnamedStatements& unnamed, std::uint64_t version);
    void discard_unnamed(
        UnnamedStatements& unnamed, std::uint64_t first_version, std::uint64_t last_version
    );
    void hold_values(const session::Origin& origin);
    void release_values(const session::Origin& origin);
    void undo(Server& server, const std::vector<session::Expected>& entries);
    void undo_note(Server& server, session::ClientStatements* names, const Note& note);
    void end_names(Server& server, session::ClientStatements* names, const Note& note);
    void settle_note(Server& server);
    Note take_note(Server& server);
    void drop_notes(Server& server);
    session::ClientStatements::Found meant_by_error(
        Server& server, const session::Expected& entry, std::string_view message
    );
    void learn_from(
        Server& server,
        const wire::ErrorFields& error,
        const session::Expected& entry,
        session::StatementId meant
    );
    void forget_statements(Server& server);

    // server_path.cpp
    void server_bytes(Server& server, std::string_view bytes);
    Next server_frame(Server& server, const wire::Frame& frame);
    Next asynchronous(Server& server, const wire::Frame& frame);
    Next error_response(Server& server, const wire::Frame& frame);
    void error_to_client(
        Server& server,
        const wire::Frame& frame,
        const wire::ErrorFields& error,
        const session::Expected& entry,
        const session::ClientStatements::Found& meant
    );
    void answer_with_ready(Server& server);
    void settle_version(Server& server, const session::Expected& entry);
    Next ready_for_query(Server& server, const wire::Frame& frame);
    void parameter_status(Server& server, const wire::Frame& frame);
    void show_name(Server& server);
    void command_complete(Server& server, std::string_view tag, const session::Expected& entry);
    void to_client(Server& server, std::string_view bytes);
    void nobody_reads(Server& server, std::size_t bytes);
    void withhold(Server& server, std::string_view bytes);
    void send_withheld(Server& server);
    void server_broke(Server& server, std::string_view what);
    void server_fatal(Server& server, std::string_view message);
    Next injected_query_failed(
        Server& server, const wire::ErrorFields& error, const session::Expected& entry
    );
    void replay_failed(Client& client, Server& server, const wire::ErrorFields& error);
    Client* owner_of(Server& server);

    // checkout.cpp
    Server* acquire_idle(Client& client);
    enum class Acquired : std::uint8_t { Waiting, Refused, Down };
    Acquired acquire(Client& client, std::string& detail);
    bool may_start() const;
    Server* take_idle(Pool& pool);
    std::int32_t servers_within_reach(const Pool& pool) const;
    void link(Client& client, Server& server);
    void fit_parameters(Client& client, Server& server);
    void take_over_parameters(Server& server);
    void tell_differences(Client& client, const Server& server);
    void learn_asked(Client& client, Server& server);
    void tag_again(Client& client, Server& server);
    void set_back(Client& client, Server& server);
    void repeat_own(Client& client, Server& server);
    void judge_changes(Server& server);
    TimePoint oldest_wait(const Pool& pool);
    void enqueue(Client& client, Pool& pool);
    void dequeue(Client& client);
    void resume_reads(Client& client);
    void publish_oldest_wait();
    void end_wanting(Pool& pool);
    void release_if_free(Server& server);
    void unlink(Client& client, Server& server);
    void give_back(Server& server);
    void remove_traces(Server& server);
    void serve_wanted();
    void serve(Pool& pool);
    void want(std::uint32_t pool);
    static bool is_short(const Pool& pool);

    // outage.cpp
    void logins_succeed(Pool& pool);
    void share_failure(const Pool& pool);
    void learn_failure(Pool& pool);
    bool is_down(const Pool& pool) const;
    bool has_living_server(const Pool& pool) const;
    void refuse_unserved(Pool& pool);
    wire::ErrorText down_text(const session::ServerLoginFailure& failure, std::string& detail)
        const;

    // server_life.cpp
    void open_wanted(std::uint32_t pool);
    void open_server(std::uint32_t pool);
    void server_login_bytes(Server& server, std::string_view bytes);
    void server_login_step(Server& server, session::ServerLoginStep step, std::string& out);
    void server_ready(Server& server);
    void server_login_failed(Server& server, session::ServerLoginFailure failure);
    void clean(Server& server, Leaving how);
    void clean_on(Server& server);
    void end_copy_in(Server& server);
    void abort_batch(Server& server);
    enum class Injected : std::uint8_t { Plain, Replay, Look };
    void inject_sync(Server& server, Injected kind = Injected::Plain);
    void inject_query(Server& server, std::string_view sql, Injected kind = Injected::Plain);
    void inject_extended(Server& server, std::string_view sql);
    void close_server(Server& server);
    void shut_server(Server& server);
    void send_terminate(Server& server);
    static bool is_cancelled_for(const Server& server, Leaving how);
    void end_login(Server& server);
    void server_gone(Server& server);
    void enter(Server& server, ServerState state);
    bool is_old(const Server& server) const;
    void publish_servers();
    void close_excess();
    void close_beyond_limits();
    void replace_servers();
    bool needs_check(const Server& server) const;
    void check(Server& server);
    void end_check(Server& server);

    // moving.cpp
    bool can_move(const Server& server) const;
    std::uint64_t own_bit() const { return std::uint64_t{1} << worker_; }
    void ask_others(Pool& pool);
    void ask(std::uint32_t worker, std::uint32_t pool, std::uint32_t wanting_worker);
    void pass_reserved_on(pool::Share& share);
    bool has_idle_elsewhere(const Pool& pool) const;
    void offer_to_others(Server& server);
    void tell_idle(Pool& pool);
    void forget_idle(Pool& pool);
    void move_server(Server& server, std::uint32_t worker);

    // permits.cpp
    bool find_permit(Pool& pool, std::int32_t wanted);
    void give_permit();
    void make_way(const Pool& pool);
    void make_way_within_limits(const Pool& wanting);
    bool close_idle_of_others(const Pool* pool, std::int32_t servers);
    void claim(Pool& pool, std::int32_t wanted);
    void pass_permit_on(pool::Shares::Receiver receiver);
    bool may_go(const Server& server) const;
    bool give_up(Server& server);

    // cancel.cpp
    void cancel_request(Client& canceller, const session::CancelRequest& request);
    enum class Cancelling : std::uint8_t { Unknown, Over, UnderWay };
    void cancel_or_pass_on(CancelKey key, LinkId canceller, std::uint32_t origin);
    Cancelling cancel_here(CancelKey key, LinkId canceller, std::uint32_t origin);
    Client* client_named(CancelKey key);
    bool is_running_own_request(const Server& server) const;
    bool start_cancel(Server& server, LinkId canceller, std::uint32_t worker);
    void cancel_connected(Cancel& cancel);
    void cancel_answered(Cancel& cancel, std::string_view answer);
    void send_cancel(Cancel& cancel);
    void cancel_over(Cancel& cancel);
    void finish_canceller(LinkId canceller, std::uint32_t worker);
    void cancel_waiting(Client& client);
    std::uint32_t own_process_id(const Client& client) const;
    static std::uint64_t cancel_key(const Client& client);

    // budget.cpp
    void login_begins(Client& client);
    void login_ends(Client& client);
    void publish_held_bytes();
    bool is_memory_short(std::size_t more) const;
    session::Refusal lacks_room(const Client& client, std::size_t bytes);
    std::size_t replaced_by(const Client& client, const wire::Frame& frame);
    bool has_room_for(Client& client, const wire::Frame& frame, std::size_t needed);
    void stop_growing_if_short(Client& client);
    void refuse_message(Client& client, const wire::Frame& frame, session::Refusal refusal);
    static std::size_t kept_bytes(const Client& client);
    void count_unnamed(UnnamedStatements& unnamed, std::size_t before, std::size_t after);
    void drop_definition(UnnamedStatements& unnamed);
    void drop_unused_texts();
    std::int64_t held_bytes() const;
    void note_unused(std::uint32_t pool);
    void free_unused_pools();

    // maintenance.cpp
    void check_shares();
    void time_out_clients();
    void time_out_waiting();
    void time_out_servers();
    void time_out_linked(Server& server, Client& client);
    void time_out_cleaning(Server& server);
    void time_out_cancels();
    bool may_hand_off(const Client& client);
    static bool is_between_transactions(const Server& server);
    void drain_clients();
    void finish_drain();

    auto links() {
        return [this](std::uint32_t slot) -> pool::SlotLinks& { return clients_.at(slot).links; };
    }
    Client* client_at(LinkId link) { return clients_.find(link.slot, link.generation); }
    Server* server_at(LinkId link) { return servers_.find(link.slot, link.generation); }
    Cancel* cancel_at(LinkId link) { return cancels_.find(link.slot, link.generation); }
    pool::ServerCounts::Owner owner(const Pool& pool) const {
        return {pool.key.user, pool.key.database};
    }
    Pool& pool_of(const Server& server) { return *pools_[server.pool]; }
    Pool& pool_of(const Client& client) { return *pools_[client.pool]; }

    // Constant after construction.
    const std::uint32_t worker_;
    RandomSource& random_;
    pool::Board& board_;

    std::shared_ptr<const Settings> settings_;
    TimePoint now_;

    pool::Slab<Client> clients_;
    pool::Slab<Server> servers_;
    pool::Slab<Cancel> cancels_;
    std::vector<std::unique_ptr<Pool>> pools_;
    std::map<std::string, std::uint32_t, std::less<>> pools_by_key_;  // by the key written out
    std::vector<std::uint32_t> free_pools_;  // indices whose pool was freed
    struct UnusedPool {
        std::uint32_t index = 0;
        TimePoint since;
    };
    std::deque<UnusedPool> unused_pools_;  // or used again, oldest first
    pool::SlotList logging_in_;            // clients, the oldest first
    std::vector<LinkId> gone_;      // clients whose link is gone, and who wait with what they sent
    std::int64_t stash_bytes_ = 0;  // in all stashes of clients and servers
    std::int64_t unnamed_bytes_ = 0;    // in unnamed statements, as far as they count
    std::int64_t pending_bytes_ = 0;    // for clients that do not read, when looked at last
    std::int64_t published_bytes_ = 0;  // of held_bytes()
    TimePoint drop_texts_not_before_{};
    // Clients that are known by their servers' process ids, by their cancel keys.
    std::unordered_map<std::uint64_t, std::uint32_t> sessions_;
    session::ValueTable values_;
    session::StatementTable statements_{values_};
    std::string name_prefix_;  // of statements on servers
    Metrics metrics_;
    std::vector<Action> actions_;
    Arena arena_;
    std::vector<std::unique_ptr<std::string>>
        retired_;  // stashes that this event's actions point into
    std::vector<std::unique_ptr<std::string>> spare_;
    std::vector<session::Expected> skipped_;
    std::vector<LinkId> freed_;   // servers that became idle in this turn
    std::size_t freed_seen_ = 0;  // of them, those of earlier entries
    bool has_turns_ = false;
    std::vector<std::uint32_t> wanting_;  // pools with clients that want a server
    std::string server_error_;

    TimePoint next_tick_{};
    TimePoint slow_tick_{};
    std::int32_t opening_ = 0;  // servers of this worker that connect or log in
    std::int32_t waiting_ = 0;  // clients of this worker in any pool's queue
    std::int32_t welcoming_ = 0;
    bool has_lowered_limits_ = false;  // servers_counts may be above the limits
    bool has_asked_others_ = false;    // WantServer was said since the last tick
    bool is_draining_ = false;
    bool is_drained_ = false;
    TimePoint drain_until_{};
};

}  // namespace penstock::proxy
