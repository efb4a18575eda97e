// A model of everything around the operator's control core, driven by one seed: databases that
// count connections, proxies that obey grants, messages that are lost, delayed, doubled and
// reordered, operators that crash and overlap. Time moves in steps of 50 ms.
#pragma once

#include "operator/domain/memory.hpp"
#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace penstock::sim {

using domain::Time;

inline constexpr std::chrono::milliseconds step{50};

struct Faults {
    double loss = 0;
    double duplicate = 0;
    double long_delay = 0;  // share of messages that take up to three seconds
};

// One PostgreSQL server. A connection takes its slot at once and is seen one step later; it goes
// some time after its client has closed it.
struct ModelDatabase {
    std::string system_identifier;
    std::int32_t max_connections = 100;
    std::int32_t others = 0;
    std::map<std::string, std::int32_t> slots;  // by proxy id
    std::map<std::string, std::int32_t> seen;

    std::int32_t connections() const;
};

struct ModelProxy {
    std::string id;
    std::string pool;
    std::size_t database = 0;
    domain::ProxyPhase phase = domain::ProxyPhase::Starting;
    std::string restart_hash;
    std::int64_t config_generation = 0;
    Time started{};
    Time ended{};
    Time answers_from{};  // still starting before that
    Time facts_next{};
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    std::int32_t granted = 1;
    std::int32_t open = 0;     // server connections not being closed
    std::deque<Time> closing;  // when PostgreSQL will have closed each
    double clients = 0;        // each asks again as soon as it is answered
    double hold_seconds = 0.01;
    double busy = 0;
    double ended_transactions = 0;
    double offered = 0;
    double held_seconds = 0;
    Time waiting_since{};
    std::optional<api::DatabaseFacts> facts;
    Time facts_at{};

    bool alive() const { return phase != domain::ProxyPhase::Gone; }
    std::int32_t servers() const { return open + static_cast<std::int32_t>(closing.size()); }
};

struct Message {
    Time due;
    std::uint64_t order;  // ties
    std::size_t to_operator = 0;
    std::string proxy;
    bool is_answer = false;
    Time sent{};                      // the request
    std::optional<api::Grant> grant;  // of a request
    api::Report report;               // of an answer
};

struct ModelOperator {
    explicit ModelOperator(std::uint64_t epoch) : memory(epoch) {}

    domain::Memory memory;
    bool alive = true;
    Time next_round{};
    std::map<std::string, std::pair<Time, api::Report>> reports;
    std::set<std::string> forgotten;
    std::set<std::string> cut_off;  // proxies that it cannot reach
    Time born{};
    domain::Plan last_plan;
};

class BudgetWorld {
 public:
    explicit BudgetWorld(std::uint64_t seed);

    // Building.
    std::size_t add_database(std::int32_t max_connections, std::int32_t others);
    api::ConnectionPool& add_pool(
        const std::string& name, std::size_t database, std::int32_t replicas
    );
    std::size_t start_operator();

    // Acting.
    void kill_operator(std::size_t index) { operators[index]->alive = false; }
    void kill_proxy(const std::string& id);
    void set_load(const std::string& pool, double clients, double hold_seconds);
    void advance();
    void run(std::chrono::milliseconds duration);

    // Asking.
    std::vector<ModelProxy*> proxies_of(const std::string& pool);
    std::vector<std::string> running() const;
    std::int32_t granted(const std::string& pool);
    double uniform(double low, double high);
    bool chance(double probability) { return uniform(0, 1) < probability; }
    std::int32_t whole(std::int32_t low, std::int32_t high);

    Time now{};
    Faults faults;
    std::vector<ModelDatabase> databases;
    std::map<std::string, api::ConnectionPool> pools;  // by key
    std::map<std::string, std::size_t> database_of;    // by pool key
    std::vector<std::unique_ptr<ModelOperator>> operators;
    std::map<std::string, ModelProxy> proxies;
    std::uint64_t grants_taken = 0;

 private:
    void send(Message message);
    void deliver();
    void arrive(const Message& message);
    void step_proxy(ModelProxy& proxy);
    void step_databases();
    void run_operator(ModelOperator& each, std::size_t index);
    void apply(const domain::Workload& workload);
    domain::Observed observe(const ModelOperator& each) const;
    api::Report report_of(const ModelProxy& proxy) const;
    void spread_load(const std::string& pool);

    std::mt19937_64 random_;
    std::vector<Message> messages_;
    std::uint64_t order_ = 0;
    std::uint64_t next_proxy_ = 0;
    std::uint64_t epochs_ = 0;
    std::uint64_t leader_ = 0;  // the highest epoch that has had a round
    std::map<std::string, std::pair<double, double>> loads_;  // clients and hold by pool
    struct Lingering {
        std::size_t database;
        std::string proxy;
        Time until;
    };
    std::vector<Lingering> lingering_;  // slots of ended processes
};

}  // namespace penstock::sim
