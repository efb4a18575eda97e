// penstock-proxy: reads its configuration, serves until a signal ends it.
#include "dataplane/net/config_source.hpp"
#include "dataplane/net/control.hpp"
#include "dataplane/net/held_signals.hpp"
#include "dataplane/net/log.hpp"
#include "dataplane/net/waiting.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

namespace {

using namespace penstock;

constexpr int cannot_listen = 1;
constexpr int wrong_configuration = 2;

// As many descriptors as the system lets us have, and a warning if that is too few.
void raise_descriptor_limit(const api::DataplaneConfig& document) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    // 64: listeners, event queues, logs, files and the admin port.
    const auto wanted = static_cast<rlim_t>(document.limits.max_client_connections) +
                        static_cast<rlim_t>(document.server_connections) + 64;
    if (limit.rlim_cur < wanted) {
        spdlog::warn(
            "limits.maxClientConnections and serverConnections may need {} file descriptors, the "
            "limit is {}; raise it (ulimit -n)",
            wanted,
            limit.rlim_cur
        );
    }
}

void tell(const net::Reading& reading) {
    for (const api::Error& warning : reading.warnings) {
        std::fprintf(stderr, "warning: %s\n", api::to_string(warning).c_str());
    }
    for (const api::Error& fault : reading.faults) {
        std::fprintf(stderr, "%s\n", api::to_string(fault).c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Pools connections to PostgreSQL.", "penstock-proxy");
    std::string config_path;
    bool check_only = false;
    bool wait = false;
    app.add_option("--config", config_path, "The configuration, a YAML file")->required();
    app.add_flag("--check", check_only, "Read the configuration, say what is wrong, and end");
    app.add_flag("--wait", wait, "Wait for files that are missing or wrong instead of ending");
    app.set_version_flag("--version", "penstock-proxy " PENSTOCK_VERSION);
    CLI11_PARSE(app, argc, argv);

    net::hold_signals();  // until somebody listens
    ::signal(SIGPIPE, SIG_IGN);
    const net::Identity identity = net::Identity::make(std::getenv("POD_NAME"));
    net::Reading reading = net::read_configuration(config_path, identity);
    net::Console console;
    std::optional<api::Grant> grant;
    if (wait && !check_only && !reading.configuration) {
        net::Waiting waiting(console, config_path, identity);
        switch (waiting.run(std::move(reading))) {
            case net::Waiting::End::Asked:
                return 0;
            case net::Waiting::End::CannotListen:
                return cannot_listen;
            case net::Waiting::End::Good:
                break;
        }
        reading = waiting.reading();
        grant = waiting.grant();
    }
    tell(reading);
    if (!reading.configuration) {
        std::fprintf(
            stderr,
            "penstock-proxy: %s has %zu faults\n",
            config_path.c_str(),
            reading.faults.size()
        );
        return wrong_configuration;
    }
    if (check_only) {
        std::printf("%s is good\n", config_path.c_str());
        return 0;
    }
    const api::DataplaneConfig& document = reading.configuration->document;
    net::set_up_log(document.log_format, document.log_level);
    raise_descriptor_limit(document);
    net::Control control(console, config_path, identity, reading);
    if (grant) control.start_with(*grant);
    if (!control.open()) return cannot_listen;
    control.run();
    return 0;
}
