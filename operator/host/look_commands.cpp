#include "operator/host/look_commands.hpp"

#include "crds/api/names.hpp"
#include "operator/host/manifest_watch.hpp"

#include <cstdio>
#include <ctime>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace penstock::host {

namespace {

using std::chrono::steady_clock;

void say(const std::string& text) { std::fputs((text + "\n").c_str(), stderr); }

// What the words on the command line select; nothing, with a word on stderr, if that is no kind.
std::optional<Selection> select(const LookOptions& options) {
    const std::size_t slash = options.kind.find('/');
    const std::string kind = options.kind.substr(0, slash);
    const Selection selection{
        kinds_named(kind),
        slash == std::string::npos ? options.name : options.kind.substr(slash + 1),
        options.all_namespaces ? "" : options.name_space};
    if (!selection.kinds.empty()) return selection;
    say("error: there is no resource type \"" + kind + "\"; try cpool or bpres");
    return std::nullopt;
}

// What is selected; nothing, with a word on stderr, if it is not there.
std::optional<std::vector<api::Document>> find(
    const ResourceReader& reader, const Selection& selection
) {
    auto found = reader.read(selection);
    if (!found) {
        say("error: " + api::to_string(found.error()));
        return std::nullopt;
    }
    for (const std::string& fault : reader.faults()) say("warning: not in force: " + fault);
    if (!reader.is_current())
        say("warning: no operator runs on this folder; this is its last word");
    if (found->empty() && !selection.name.empty()) {
        say(not_found(selection.kinds.front(), selection.name));
        return std::nullopt;
    }
    if (found->empty()) {
        say(selection.name_space.empty()
                ? "No resources found"
                : "No resources found in " + selection.name_space + " namespace.");
    }
    return *std::move(found);
}

struct Condition {
    std::string type;
    std::string status = "True";
    bool is_deletion = false;
};

std::optional<Condition> parse_condition(const std::string& text) {
    const std::string prefix = "condition=";
    if (text == "delete") return Condition{"", "", true};
    if (text.compare(0, prefix.size(), prefix) != 0 || text.size() == prefix.size())
        return std::nullopt;
    Condition condition{text.substr(prefix.size())};
    if (const std::size_t equals = condition.type.find('='); equals != std::string::npos) {
        condition.status = condition.type.substr(equals + 1);
        condition.type.resize(equals);
    }
    return condition;
}

bool is_met(const Condition& condition, const api::Document& resource) {
    const api::Document nothing = api::Document::object();
    const api::Document status = resource.value("status", nothing);
    const std::int64_t generation =
        resource.value("metadata", nothing).value("generation", std::int64_t{0});
    for (const api::Document& each : status.value("conditions", api::Document::array())) {
        // A word about an earlier spec is no word about this one.
        if (each.value("type", "") == condition.type &&
            each.value("status", "") == condition.status &&
            each.value("observedGeneration", std::int64_t{0}) >= generation)
            return true;
    }
    return false;
}

bool is_met(const Condition& condition, const std::vector<api::Document>& resources) {
    if (condition.is_deletion) return resources.empty();
    if (resources.empty()) return false;
    for (const api::Document& each : resources) {
        if (!is_met(condition, each)) return false;
    }
    return true;
}

}  // namespace

int run_get(const LookOptions& options, Output output) {
    const auto selection = select(options);
    if (!selection) return 1;
    const auto found = find(ResourceReader(options.state), *selection);
    if (!found) return 1;
    const auto namespaces = options.all_namespaces ? Namespaces::All : Namespaces::One;
    const bool is_single = !selection->name.empty();
    const std::string text =
        print_resources(*found, output, namespaces, is_single, std::time(nullptr));
    std::fputs(text.c_str(), stdout);
    return 0;
}

int run_describe(const LookOptions& options) {
    const auto selection = select(options);
    if (!selection) return 1;
    const auto found = find(ResourceReader(options.state), *selection);
    if (!found) return 1;
    bool is_first = true;
    for (const api::Document& each : *found) {
        std::fputs(is_first ? "" : "\n\n", stdout);
        std::fputs(describe_resource(each, std::time(nullptr)).c_str(), stdout);
        is_first = false;
    }
    return 0;
}

int run_wait(
    const LookOptions& options, const std::string& condition, std::chrono::seconds timeout
) {
    const auto selection = select(options);
    if (!selection) return 1;
    const auto wanted = parse_condition(condition);
    if (!wanted) {
        say("error: --for must be condition=TYPE, condition=TYPE=STATUS or delete, not \"" +
            condition + "\"");
        return 1;
    }
    const ResourceReader reader(options.state);
    const auto deadline = steady_clock::now() + timeout;
    constexpr std::chrono::milliseconds look_again{250};
    boost::asio::io_context io{1};
    std::unique_ptr<ManifestWatch> watch;
    for (;;) {
        // The folder may be made only after us.
        if (!watch) {
            auto started = ManifestWatch::start(
                io, reader.folder(), {std::chrono::milliseconds(5), look_again}, [&] { io.stop(); }
            );
            if (started) watch = *std::move(started);
        }
        const auto found = reader.read(*selection);
        if (found && is_met(*wanted, *found)) break;
        if (steady_clock::now() >= deadline) {
            const std::string name = plural(selection->kinds.front()) + "/" + selection->name;
            const bool is_missing = !found || found->empty();
            say(is_missing ? not_found(selection->kinds.front(), selection->name)
                           : "error: timed out waiting for the condition on " + name);
            return 1;
        }
        io.restart();
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
        if (watch) {
            io.run_for(std::min(left, look_again));
        } else {
            boost::asio::steady_timer timer(io, std::min(left, look_again));
            timer.wait();
        }
    }
    const std::string kind = plural(selection->kinds.front());
    std::fputs(
        (kind.substr(0, kind.size() - 1) + "." + std::string(api::group) + "/" + selection->name +
         (wanted->is_deletion ? " deleted\n" : " condition met\n"))
            .c_str(),
        stdout
    );
    return 0;
}

}  // namespace penstock::host
