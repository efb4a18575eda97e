// Watch, store, writer and electors against an API server that is away, slow, throttles, conflicts,
// forgets versions, cuts watches and answers garbage; replies overtake each other. When the trouble
// is over the store equals the server and every wish is there. Never do two lead in one epoch.
#include "operator/runtime/lease.hpp"
#include "operator/runtime/watch.hpp"
#include "operator/runtime/writer.hpp"
#include "tests/support/fake_api_server.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::sim {
namespace {

using namespace std::chrono_literals;
using namespace runtime;
using test::FakeApiServer;
using Time = Watch::Time;

constexpr auto step = 20ms;

class ControllerWorld {
 public:
    explicit ControllerWorld(std::uint64_t seed) : random_(seed) {
        for (int i = 0; i < 2; ++i) {
            LeaseSettings settings;
            settings.name_space = "ops";
            settings.identity = std::string(1, static_cast<char>('a' + i));
            settings.seed = seed + static_cast<std::uint64_t>(i);
            electors_.emplace_back(settings);
            dead_until_.emplace_back();
        }
        WatchSettings settings;
        settings.resource = resources::config_maps;
        settings.page = 3;
        settings.seed = seed;
        watch_ = std::make_unique<Watch>(settings);
    }

    void run(std::chrono::milliseconds time, double trouble) {
        trouble_ = trouble;
        for (const Time end = now_ + time; now_ < end; now_ += step) turn();
    }

    void check_quiet() {
        const auto objects = server_.all("/api/v1/configmaps");
        EXPECT_EQ(watch_->fault(), "");
        EXPECT_EQ(watch_->store().size(), objects.size());
        for (auto [key, object] : objects) {
            object["metadata"].erase("managedFields");
            const Snapshot seen = watch_->store().find(key);
            ASSERT_TRUE(seen) << key;
            EXPECT_EQ(*seen, object) << key;
        }
        EXPECT_TRUE(writer_.is_idle());
        EXPECT_TRUE(writer_.faults().empty());
        for (const auto& [key, value] : wanted_) {
            const auto found = objects.find(key);
            EXPECT_EQ(found != objects.end(), !value.empty()) << key;
            if (found == objects.end()) continue;
            EXPECT_EQ(found->second["data"]["v"], value) << key;
        }
        int leaders = 0;
        for (const Elector& elector : electors_) leaders += elector.is_leader(now_) ? 1 : 0;
        EXPECT_EQ(leaders, 1);
    }

    std::uint64_t lists() const { return watch_->counters().lists; }
    std::uint64_t streams() const { return watch_->counters().streams; }
    std::uint64_t writes() const { return server_.writes(); }
    std::size_t epochs() const { return leaders_.size(); }

 private:
    bool happens(double chance) { return draw(random_) < chance * trouble_; }
    std::size_t pick(std::size_t count) { return random_() % count; }

    void later(std::function<void()> work) {
        const auto slow = happens(0.05) ? 5000.0 : 200.0;
        const auto delay =
            std::chrono::milliseconds(static_cast<int>(draw(random_) * (trouble_ > 0 ? slow : 20.0))
            );
        queue_.emplace(now_ + delay, std::move(work));
    }

    Response trouble_answer() {
        switch (pick(5)) {
            case 0:
                return {0, "connection reset", {}, ""};
            case 1:
                return FakeApiServer::refusal(500, "InternalError");
            case 2: {
                Response busy = FakeApiServer::refusal(429, "TooManyRequests");
                busy.retry_after = 2s;
                return busy;
            }
            case 3:
                return FakeApiServer::refusal(409, "Conflict");
            default:
                return {200, "", {}, "<html>"};
        }
    }

    // The request may be lost, and its answer too; both take their time.
    void send(const Request& request, std::function<void(Response)> on_response) {
        later([this, request, on_response = std::move(on_response)] {
            const bool is_lost = happens(0.15);
            Response response = is_lost ? trouble_answer() : server_.answer(request);
            if (!is_lost && happens(0.05)) response = {0, "timeout", {}, ""};
            later([on_response, response] { on_response(response); });
        });
    }

    void carry(const Watch::Actions& actions) {
        for (const WatchAction& action : actions) {
            if (const auto* list = std::get_if<SendList>(&action)) {
                send(list->request, [this](const Response& response) {
                    carry(watch_->on_list(response, now_));
                });
            } else if (const auto* open = std::get_if<OpenStream>(&action)) {
                Response refused;
                stream_ = server_.open(open->request, refused);
                serial_++;
                bookmark_ = now_ + 60s;
                if (!stream_) later([this, refused] { carry(watch_->on_end(refused, now_)); });
            } else if (std::holds_alternative<CancelStream>(action)) {
                stream_.reset();
                serial_++;
            } else {
                wait_ = std::get<WaitUntil>(action).at;
            }
        }
    }

    // What the server says on the stream, torn anywhere, in order.
    void feed() {
        if (!stream_ || stream_->is_over) return;
        if (happens(0.002)) {
            stream_.reset();
            serial_++;
            return carry(watch_->on_end({0, "connection reset", {}, ""}, now_));
        }
        if (happens(0.3)) return;  // late
        std::string bytes = server_.read(*stream_);
        if (now_ >= bookmark_) {
            if (!happens(0.5)) bytes += server_.bookmark(*stream_);
            bookmark_ = now_ + 60s;
        }
        if (happens(0.001)) bytes += "<garbage>\n";
        const auto serial = serial_;
        while (!bytes.empty() && serial == serial_) {
            const std::size_t size = std::min(bytes.size(), 1 + pick(200));
            carry(watch_->on_bytes(bytes.substr(0, size), now_));
            bytes.erase(0, size);
        }
    }

    void wish() {
        const std::string name = "m" + std::to_string(pick(12));
        const std::string value = pick(4) == 0 ? "" : std::to_string(random_() % 1000);
        wanted_["a/" + name] = value;
        const std::string path = resources::config_maps.object("a", name);
        if (value.empty()) {
            writer_.want("a/" + name, {{Method::Delete, path, {}, {}, {}}, true, false}, now_);
            return;
        }
        const api::Document body{{"data", {{"v", value}}}};
        writer_.want(
            "a/" + name,
            {{Method::Patch, path, {}, "application/apply-patch+yaml", api::to_json_text(body)}},
            now_
        );
    }

    void write() {
        while (const auto job = writer_.take(now_)) {
            EXPECT_TRUE(writing_.insert(job->key).second) << job->key << " twice at once";
            EXPECT_LE(writing_.size(), 8U);
            send(job->request, [this, key = job->key](const Response& response) {
                writing_.erase(key);
                writer_.finish(key, response, now_);
                const auto object =
                    response.ok() ? api::parse_json(response.body) : tl::unexpected(api::Error{});
                if (object) watch_->store().put(*object);
            });
        }
    }

    void elect() {
        std::set<std::int64_t> leading;
        for (std::size_t i = 0; i < electors_.size(); ++i) {
            Elector& elector = electors_[i];
            if (elector.is_leader(now_)) {
                EXPECT_TRUE(leading.insert(elector.epoch()).second) << "two lead in one epoch";
                const auto [place, is_new] = leaders_.emplace(elector.epoch(), i);
                EXPECT_EQ(place->second, i) << "epoch " << elector.epoch() << " had another leader";
            }
            if (happens(0.001)) dead_until_[i] = now_ + 25s;  // stopped, as by SIGSTOP
            if (now_ < dead_until_[i]) continue;
            const auto request = elector.tick(now_, WallTime(1'764'086'915s + (now_ - Time{})));
            if (!request) continue;
            send(*request, [this, i](const Response& response) {
                electors_[i].on_response(response, now_);
            });
        }
    }

    void turn() {
        while (!queue_.empty() && queue_.begin()->first <= now_) {
            const auto work = std::move(queue_.begin()->second);
            queue_.erase(queue_.begin());
            work();
        }
        if (happens(0.0005)) server_.compact();
        if (happens(0.05)) wish();
        if (happens(0.02)) edit();
        if (now_ >= wait_) carry(watch_->tick(now_));
        feed();
        write();
        elect();
    }

    // Somebody else makes and deletes objects that we do not want anything of.
    void edit() {
        const std::string name = "o" + std::to_string(pick(6));
        if (pick(2) == 0) {
            server_.answer({Method::Delete, resources::config_maps.object("b", name), {}, {}, {}});
            return;
        }
        const api::Document body{{"data", {{"v", std::to_string(random_() % 10)}}}};
        server_.answer(
            {Method::Patch,
             resources::config_maps.object("b", name),
             {},
             "application/apply-patch+yaml",
             api::to_json_text(body)}
        );
    }

    std::mt19937_64 random_;
    double trouble_ = 0;
    Time now_{1000s};
    FakeApiServer server_;
    std::unique_ptr<Watch> watch_;
    std::optional<FakeApiServer::Stream> stream_;
    std::uint64_t serial_ = 0;
    Time bookmark_{};
    Time wait_{};
    Writer writer_{WriterSettings{}};
    std::set<std::string> writing_;
    std::map<std::string, std::string> wanted_;  // empty: it must not be there
    std::vector<Elector> electors_;
    std::vector<Time> dead_until_;
    std::map<std::int64_t, std::size_t> leaders_;  // by epoch
    std::multimap<Time, std::function<void()>> queue_;
};

TEST(ControllerSim, StoreEqualsTheServerAndWishesAreThereWhenTheTroubleIsOver) {
    std::size_t epochs = 0;
    std::uint64_t lists = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        ControllerWorld world(seed);
        world.run(2min, 1.0);
        world.run(90s, 0.0);
        world.check_quiet();
        epochs += world.epochs();
        lists += world.lists();
        if (testing::Test::HasFailure()) break;
    }
    EXPECT_GT(epochs, 60U);  // leaders have changed
    EXPECT_GT(lists, 80U);   // and there were relists
}

TEST(ControllerSim, NothingButTheLeaseIsWrittenAndNothingIsListedWhenAllIsQuiet) {
    ControllerWorld world(5);
    world.run(10s, 1.0);
    world.run(60s, 0.0);
    const auto lists = world.lists();
    const auto streams = world.streams();
    const auto writes = world.writes();
    world.run(10min, 0.0);
    world.check_quiet();
    EXPECT_EQ(world.lists(), lists);
    EXPECT_EQ(world.streams(), streams);
    EXPECT_LE(world.writes() - writes, 310U);  // a renewal each 2 s
}

}  // namespace
}  // namespace penstock::sim
