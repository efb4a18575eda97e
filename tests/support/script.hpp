// What happens on the links of a Proxy, step by step: who sends what, and what the Proxy must send
// to whom. One script is played in many ways: as it stands, with its bytes in pieces, and with each
// link closed at each step.
//
// Links have names. The clients' are given by opens(), the servers' and cancels' by
// expects_server() and expects_cancel(); where no name is said, it is client "a" and server "s".
#pragma once

#include "tests/support/proxy_links.hpp"
#include "tests/support/wire_builder.hpp"

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>

namespace penstock::test {

// Bytes of the wire as text: "Q(select 1.) S()".
inline std::string readable(std::string_view bytes) {
    std::string text;
    for (const Message& message : messages(bytes)) {
        text += message.type;
        text += '(';
        constexpr std::size_t shown_max = 200;
        for (const char c : message.body.substr(0, shown_max))
            text += c >= ' ' && c <= '~' ? c : '.';
        if (message.body.size() > shown_max) text += std::to_string(message.body.size());
        text += ") ";
    }
    return text;
}

class ScriptPlay {
 public:
    ScriptPlay(const proxy::Settings& settings, std::int32_t limit)
        : board(1, limit), links(board, settings) {}

    std::size_t index(const std::string& name) const {
        const auto found = names.find(name);
        if (found == names.end()) {
            ADD_FAILURE() << "no link has the name " << name;
            std::abort();
        }
        return found->second;
    }
    PlayedLink& link(const std::string& name) { return links.links[index(name)]; }

    pool::Board board;
    ProxyLinks links;
    std::map<std::string, std::size_t> names;
};

class Script {
 public:
    explicit Script(proxy::Settings settings = plain_settings(), std::int32_t limit = 10)
        : settings_(std::move(settings)), limit_(limit) {}

    // A client's link is accepted.
    Script& opens(const std::string& client) {
        return add("opens " + client, [client](ScriptPlay& play) {
            play.names[client] = play.links.accept();
        });
    }
    Script& client_sends(const std::string& bytes) { return client_sends("a", bytes); }
    Script& client_sends(const std::string& client, const std::string& bytes) {
        return sends(client, bytes);
    }
    Script& server_sends(const std::string& bytes) { return server_sends("s", bytes); }
    Script& server_sends(const std::string& server, const std::string& bytes) {
        return sends(server, bytes);
    }
    // All that was sent to the link since it was looked at last.
    Script& expects_to_client(const std::string& bytes) { return expects_to_client("a", bytes); }
    Script& expects_to_client(const std::string& client, const std::string& bytes) {
        return expects(client, bytes);
    }
    Script& expects_to_server(const std::string& bytes) { return expects_to_server("s", bytes); }
    Script& expects_to_server(const std::string& server, const std::string& bytes) {
        return expects(server, bytes);
    }
    // The client gets one FATAL or ERROR with this SQLSTATE, and what follows it.
    Script& expects_error(
        const std::string& client, const std::string& sql_state, const std::string& behind = {}
    ) {
        return add("expects error " + sql_state, [client, sql_state, behind](ScriptPlay& play) {
            const std::string sent = play.links.take_sent(play.index(client));
            const std::vector<Message> all = messages(sent);
            ASSERT_FALSE(all.empty()) << "nothing was sent to " << client;
            ASSERT_EQ(all.front().type, 'E') << readable(sent);
            EXPECT_EQ(wire::read_error(all.front().body).sql_state, sql_state) << readable(sent);
            EXPECT_EQ(readable(sent.substr(all.front().body.size() + 5)), readable(behind));
        });
    }
    // The Proxy has asked for a link to the database since the last one was named: it connects.
    Script& expects_server(const std::string& server = "s") {
        return expects_open(server, LinkKind::Server);
    }
    Script& expects_cancel(const std::string& cancel) {
        return expects_open(cancel, LinkKind::Cancel);
    }
    Script& expects_no_open() {
        return add("expects no open", [](ScriptPlay& play) {
            for (std::size_t i = 0; i < play.links.links.size(); ++i) {
                EXPECT_TRUE(is_named(play, i) || !play.links.links[i].is_open);
            }
        });
    }
    // The Proxy has closed the link, or said goodbye to a server and waits for its end.
    Script& expects_closed(const std::string& name) {
        return add("expects closed " + name, [name](ScriptPlay& play) {
            const PlayedLink& link = play.link(name);
            EXPECT_TRUE(!link.is_open || link.is_shut) << name << " is open";
        });
    }
    Script& expects_open_still(const std::string& name) {
        return add("expects open " + name, [name](ScriptPlay& play) {
            const PlayedLink& link = play.link(name);
            EXPECT_TRUE(link.is_open && !link.is_shut) << name << " is closed";
        });
    }
    // The peer closes.
    Script& closes(const std::string& name) {
        return add("closes " + name, [name](ScriptPlay& play) {
            play.links.close(play.index(name));
        });
    }
    Script& after(proxy::Duration duration) {
        return add("time passes", [duration](ScriptPlay& play) { play.links.pass(duration); });
    }
    Script& then(std::function<void(ScriptPlay&)> act) { return add("then", std::move(act)); }

    // A client and its first server, from their first bytes to their first ReadyForQuery.
    Script& logs_in(const std::string& client, const std::string& server) {
        return opens(client)
            .client_sends(client, startup_of_client())
            .expects_to_client(client, authentication_ok())
            .expects_server(server)
            .server_logs_in(server)
            .expects_welcome(client)
            .setup_ends();
    }
    // A client of a pool that has had a server.
    Script& logs_in(const std::string& client) {
        return opens(client)
            .client_sends(client, startup_of_client())
            .expects_welcome(client)
            .setup_ends();
    }
    // A client whose start-up value of one parameter must be asked of the server first, which is
    // idle; `known` is what PostgreSQL makes of it.
    Script& logs_in_with(
        const std::string& client,
        const std::string& server,
        const std::string& parameter,
        const std::string& asked,
        const std::string& known
    ) {
        return opens(client)
            .client_sends(
                client,
                startup_message({{"user", "app"}, {"database", "orders"}, {parameter, asked}})
            )
            .expects_to_client(client, authentication_ok())
            .expects_to_server(
                server, query("RESET " + parameter + ";SET " + parameter + " = '" + asked + "';")
            )
            .server_sends(server, parameter_status(parameter, known) + done("SET"))
            .expects_welcome(client)
            .setup_ends();
    }
    Script& server_logs_in(const std::string& server) {
        return add(server + " logs in", [server](ScriptPlay& play) {
            EXPECT_EQ(
                readable_startup(play.links.take_sent(play.index(server))), "app orders penstock/1"
            );
            play.links.receive(play.index(server), welcome_of_server());
        });
    }
    // What was said so far is played as it stands always: the ways of failing are others' to test.
    Script& setup_ends() {
        setup_ = steps_.size();
        return *this;
    }

    static std::string startup_of_client() {
        return startup_message({{"user", "app"}, {"database", "orders"}});
    }
    static std::string welcome_of_server() {
        return authentication_ok() + parameter_status("server_version", "17.0") +
               parameter_status("client_encoding", "UTF8") +
               parameter_status("DateStyle", "ISO, MDY") + parameter_status("TimeZone", "UTC") +
               parameter_status("application_name", "penstock/1") +
               backend_key_data(4711, "\1\2\3\4") + ready_for_query();
    }
    // Taken from what the client got since it was looked at last.
    Script& expects_welcome(const std::string& client) {
        return add(client + " is welcomed", [client](ScriptPlay& play) {
            const std::string sent = play.links.take_sent(play.index(client));
            EXPECT_TRUE(types(sent) == "SSSSSKZ" || types(sent) == "RSSSSSKZ") << readable(sent);
        });
    }

    void passes() const {
        ScriptPlay played(settings_, limit_);
        play(played, steps_.size(), {});
        expect_all_taken(played);
        played.links.expect_drains();
    }
    // Byte by byte, and each step's bytes cut once at each place.
    void passes_under_every_split() const {
        {
            SCOPED_TRACE("byte by byte");
            ScriptPlay played(settings_, limit_);
            play(played, steps_.size(), {.is_bytewise = true});
            expect_all_taken(played);
        }
        for (std::size_t step = setup_; step < steps_.size(); ++step) {
            for (std::size_t cut = 1; cut < steps_[step].bytes.size(); ++cut) {
                SCOPED_TRACE("cut at byte " + std::to_string(cut) + " of " + steps_[step].text);
                ScriptPlay played(settings_, limit_);
                play(played, steps_.size(), {.is_bytewise = false, .step = step, .cut = cut});
                expect_all_taken(played);
                if (testing::Test::HasFailure()) return;
            }
        }
    }
    // Each link that is open closes before each step: then all that is left can be drained, no
    // permit and no record stays, and clients hear nothing but errors of the Proxy's.
    void fails_cleanly_at_each_step() const {
        for (std::size_t step = setup_; step <= steps_.size(); ++step) {
            const std::size_t open = links_before(step);
            for (std::size_t link = 0; link < open; ++link) {
                for (const bool is_bytewise : {false, true}) {
                    SCOPED_TRACE(
                        "link " + std::to_string(link) + " closes before step " +
                        std::to_string(step) +
                        (step < steps_.size() ? ": " + steps_[step].text : ": the end")
                    );
                    ScriptPlay played(settings_, limit_);
                    play(played, step, {.is_bytewise = is_bytewise});
                    // Played byte by byte, a link may be opened later.
                    const std::vector<PlayedLink>& links = played.links.links;
                    if (link >= links.size() || !links[link].is_open) continue;
                    fail(played, link);
                    if (testing::Test::HasFailure()) return;
                }
            }
        }
    }
    void passes_in_all_ways() const {
        passes();
        if (testing::Test::HasFailure()) return;
        passes_under_every_split();
        fails_cleanly_at_each_step();
    }

 private:
    struct Step {
        std::string text;
        std::function<void(ScriptPlay&)> act;
        std::string link;  // sends `bytes`, instead of `act`
        std::string bytes;
    };
    struct Pieces {
        bool is_bytewise = false;
        std::optional<std::size_t> step = {};  // whose bytes are cut
        std::size_t cut = 0;
    };

    Script& add(std::string text, std::function<void(ScriptPlay&)> act) {
        steps_.push_back({std::move(text), std::move(act), {}, {}});
        return *this;
    }
    Script& sends(const std::string& link, const std::string& bytes) {
        steps_.push_back({link + " sends " + readable(bytes), {}, link, bytes});
        return *this;
    }
    Script& expects(const std::string& link, const std::string& bytes) {
        return add("expects to " + link + " " + readable(bytes), [link, bytes](ScriptPlay& play) {
            const std::string sent = play.links.take_sent(play.index(link));
            EXPECT_EQ(readable(sent), readable(bytes)) << "sent to " << link;
            EXPECT_TRUE(sent == bytes || readable(sent) != readable(bytes)) << "sent to " << link;
        });
    }
    Script& expects_open(const std::string& name, LinkKind kind) {
        return add("expects open of " + name, [name, kind](ScriptPlay& play) {
            const std::size_t link = play.links.newest(kind);
            ASSERT_LT(link, play.links.links.size()) << name << " was not opened";
            ASSERT_FALSE(is_named(play, link)) << name << " was not opened";
            play.names[name] = link;
            play.links.connect(link);
        });
    }
    static bool is_named(const ScriptPlay& play, std::size_t link) {
        for (const auto& [name, index] : play.names) {
            if (index == link) return true;
        }
        return false;
    }
    static std::string readable_startup(const std::string& sent) {
        const wire::StartupPacket packet = wire::read_startup(sent);
        std::string text;
        for (const std::string_view wanted : {"user", "database", "application_name"}) {
            for (const auto& [name, value] : packet.parameters) {
                if (name == wanted) text.append(text.empty() ? "" : " ").append(value);
            }
        }
        return text;
    }

    void play(ScriptPlay& played, std::size_t count, Pieces pieces) const {
        for (std::size_t i = 0; i < count; ++i) {
            const Step& step = steps_[i];
            SCOPED_TRACE("step " + std::to_string(i) + ": " + step.text);
            if (step.act) {
                step.act(played);
            } else {
                std::string_view rest = step.bytes;
                const std::size_t link = played.index(step.link);
                if (pieces.is_bytewise && i >= setup_) {
                    for (; rest.size() > 1; rest.remove_prefix(1)) {
                        if (played.links.links[link].is_open)
                            played.links.receive(link, rest.substr(0, 1));
                    }
                } else if (pieces.step == i) {
                    played.links.receive(link, rest.substr(0, pieces.cut));
                    rest.remove_prefix(pieces.cut);
                }
                if (played.links.links[link].is_open) played.links.receive(link, rest);
            }
            if (testing::Test::HasFatalFailure()) return;
        }
    }
    std::size_t links_before(std::size_t step) const {
        ScriptPlay played(settings_, limit_);
        play(played, step, {});
        return played.links.links.size();
    }
    static void expect_all_taken(ScriptPlay& played) {
        for (const auto& [name, link] : played.names) {
            EXPECT_EQ(readable(played.links.links[link].sent), "") << "more was sent to " << name;
        }
    }
    static void fail(ScriptPlay& played, std::size_t link) {
        std::vector<bool> is_inside_message;
        for (PlayedLink& other : played.links.links) {
            other.sent.clear();
            const auto all = messages(other.all_sent);
            is_inside_message.push_back(!all.empty() && all.back().type == '?');
        }
        played.links.close(link);
        played.links.expect_drains();
        for (std::size_t i = 0; i < is_inside_message.size(); ++i) {
            const PlayedLink& other = played.links.links[i];
            if (other.id.kind != LinkKind::Client) continue;
            if (is_inside_message[i]) {
                EXPECT_EQ(other.sent, "") << "client " << i << " is inside a message";
            } else {
                EXPECT_EQ(types(other.sent).find_first_not_of("EZ"), std::string::npos)
                    << "client " << i << " got " << readable(other.sent);
            }
        }
    }

    proxy::Settings settings_;
    std::int32_t limit_;
    std::vector<Step> steps_;
    std::size_t setup_ = 0;
};

// A pool with one client "a" and its idle server "s", both past their logins.
inline Script pooled(proxy::Settings settings = plain_settings(), std::int32_t limit = 10) {
    Script script(std::move(settings), limit);
    script.logs_in("a", "s");
    return script;
}

}  // namespace penstock::test
