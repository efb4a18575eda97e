// A whole process of the data plane in one thread, from one seed: real Proxies that share a Board,
// SimClients, FakeBackends, and links that split, delay, block, reset and end. Performs the Proxy's
// actions as dataplane/proxy/action.hpp says. Time is the simulation's own.
#pragma once

#include "dataplane/pool/board.hpp"
#include "dataplane/proxy/proxy.hpp"
#include "tests/support/fake_postgres.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/sim_client.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace penstock::test {

class SimWorld {
 public:
    // notes_max: so many of the last events are told with a fault.
    SimWorld(std::uint64_t seed, std::size_t notes_max);
    ~SimWorld();

    // Runs to the end. Empty: all went well; else what did not, and the last events.
    std::string run();
    // What was done, to see that a run is not empty.
    std::size_t replies() const;
    std::size_t moves_with_bytes_pending() const { return moves_with_bytes_pending_; }

 private:
    using TimePoint = proxy::TimePoint;
    using Duration = proxy::Duration;

    struct Backend;
    struct Peer;

    // One direction of a link.
    struct Pipe {
        std::string bytes;
        bool has_ended = false;  // behind the bytes
        bool is_under_way = false;
    };
    struct Conn {
        proxy::LinkId link;
        std::uint32_t worker = 0;
        bool is_named = true;  // the proxy knows it
        bool is_moving = false;
        bool are_reads_paused = false;
        int blocked_by = 0;  // links that do not take what this one's events sent
        std::vector<std::shared_ptr<Conn>> blocks;
        Pipe up;    // to the proxy
        Pipe down;  // from it
        std::shared_ptr<SimClient> client;
        std::shared_ptr<Backend> backend;
        bool is_canceller = false;
        bool is_thinking = false;
        bool has_said_end = false;
        std::string sent;  // all that the client said, or would have if its link had held
    };
    using ConnPtr = std::shared_ptr<Conn>;
    struct Backend {
        Backend(std::uint32_t process_id, std::uint32_t secret, std::uint64_t seed)
            : session(process_id, secret, seed) {}

        FakeBackend session;
        bool is_stepping = false;
        bool is_counted = true;  // holds one of the database's connections for the proxy
        Conn* conn = nullptr;
        ConnPtr held;
    };
    struct Worker {
        std::unique_ptr<SeededRandom> random;
        std::unique_ptr<proxy::Proxy> proxy;
        std::map<std::pair<int, std::uint32_t>, ConnPtr> conns;  // by kind and slot
        TimePoint tick_at = TimePoint::max();
        bool is_draining = false;
        bool is_drained = false;
    };

    void choose_settings();
    void plan();
    void after(Duration delay, std::function<void()> event);
    Duration moment(int us_max);
    std::uint64_t random(std::uint64_t below) { return random_() % below; }
    bool chance(std::uint64_t percent) { return random(100) < percent; }
    void note(const std::string& text);
    void violation(const std::string& text);

    // After each entry into a proxy. source: the link whose event it was, or null.
    void perform(std::uint32_t worker, const ConnPtr& source);
    void act_on(std::uint32_t worker, const ConnPtr& source, const proxy::Action& action);
    ConnPtr find(std::uint32_t worker, proxy::LinkId link);
    void unname(Conn& conn);
    void open(std::uint32_t worker, proxy::LinkId link);
    void move(const ConnPtr& conn, std::uint32_t worker);
    void unblock(const ConnPtr& conn);
    void arrange_tick(std::uint32_t worker);

    void start_client();
    void start_canceller(const std::shared_ptr<SimClient>& target);
    void run_client(const ConnPtr& conn);
    void pump_up(const ConnPtr& conn);
    void pump_down(const ConnPtr& conn);
    void deliver_up(const ConnPtr& conn);
    void deliver_down(const ConnPtr& conn);
    void to_peer(const ConnPtr& conn, const std::string& bytes);
    void peer_end(const ConnPtr& conn);
    void reset(const ConnPtr& conn);
    void run_backend(const std::shared_ptr<Backend>& backend);
    void backend_over(const std::shared_ptr<Backend>& backend);
    std::shared_ptr<Backend> some_backend();

    void trouble();
    void check_turn();
    void check_end();
    void check_effects();
    bool is_quiet() const;

    struct Event {
        TimePoint at;
        std::uint64_t number = 0;
        std::shared_ptr<std::function<void()>> run;
        bool operator>(const Event& other) const {
            return at != other.at ? at > other.at : number > other.number;
        }
    };

    const std::uint64_t seed_;
    const std::size_t notes_max_;
    std::mt19937_64 random_;
    TimePoint now_;
    TimePoint end_at_;
    std::uint64_t events_ = 0;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> queue_;
    std::deque<std::string> notes_;
    std::string violation_;

    proxy::Settings settings_;
    Weather weather_;
    std::int32_t limit_ = 1;
    std::int32_t limit_max_ = 1;
    std::int32_t used_before_ = 0;
    int connections_max_ = 0;  // of the database
    int trouble_percent_ = 0;
    bool has_kills_ = false;
    bool has_resets_ = false;
    bool is_database_down_ = false;
    int split_percent_ = 0;
    bool is_ending_ = false;
    std::uint32_t next_process_ = 100;
    std::uint32_t next_client_ = 1;
    std::size_t cancels_on_way_ = 0;
    std::size_t moves_with_bytes_pending_ = 0;
    bool has_early_drain_ = false;
    std::map<std::string, std::vector<std::string>> committed_;  // by the tag of the client

    std::unique_ptr<pool::Board> board_;
    std::deque<Worker> workers_;
    std::vector<ConnPtr> clients_;
    std::vector<std::shared_ptr<Backend>> backends_;
};

}  // namespace penstock::test
