// penstock-operator: reads the command line and runs one of its commands.
#include "operator/host/dry_run.hpp"
#include "operator/host/local_command.hpp"
#include "operator/host/look_commands.hpp"
#include "operator/kube/log.hpp"
#include "operator/kube/run_command.hpp"

#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace {

namespace host = penstock::host;
namespace kube = penstock::kube;
namespace fs = std::filesystem;

struct Words {
    host::LocalOptions local;
    kube::RunOptions run;
    std::string log_format = "text";
    bool dry_run = false;
    std::string log_level = "info";
    host::LookOptions look;
    fs::path look_folder = ".";
    fs::path look_state;
    std::string output;
    std::string wait_for = "condition=Ready";
    std::string wait_timeout = "30s";
};

// Beside this program, as both are built and installed.
fs::path default_proxy() {
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    const fs::path beside = self.parent_path() / "penstock-proxy";
    if (fs::exists(beside, error)) return beside;
    return self.parent_path().parent_path() / "dataplane" / "penstock-proxy";
}

// "30s", "2m", "1h" or "30"; below zero if it is none.
std::chrono::seconds parse_duration(const std::string& text) {
    std::size_t end = 0;
    long number = -1;
    try {
        number = std::stol(text, &end);
    } catch (const std::exception&) {
        return std::chrono::seconds(-1);
    }
    const std::string unit = text.substr(end);
    if (unit.empty() || unit == "s") return std::chrono::seconds(number);
    if (unit == "m") return std::chrono::minutes(number);
    if (unit == "h") return std::chrono::hours(number);
    return std::chrono::seconds(-1);
}

CLI::App* add_local(CLI::App& app, Words& words) {
    CLI::App* command = app.add_subcommand(
        "local", "Runs the pools that a folder of manifests describes, on this machine"
    );
    host::LocalOptions& options = words.local;
    command->add_option("DIR", options.manifests, "Folder of *.yaml and *.yml manifests")
        ->required()
        ->check(CLI::ExistingDirectory);
    command->add_flag("--dry-run", words.dry_run, "Print what would be done and do nothing");
    command->add_option(
        "--proxy", options.program, "penstock-proxy (default: beside this program)"
    );
    command->add_option(
        "--state", options.state, "Folder for state and status (default: DIR/.penstock)"
    );
    command
        ->add_option("--listen-address", options.listen_address, "IP address that pools listen on")
        ->capture_default_str();
    command->add_option(
        "--metrics-address",
        options.metrics_address,
        "ADDRESS:PORT for /metrics, /healthz, /readyz (default: none)"
    );
    command
        ->add_option_function<int>(
            "--interval",
            [&options](const int& value) { options.interval = std::chrono::milliseconds(value); },
            "Milliseconds between two exchanges with each proxy (default: 500)"
        )
        ->check(CLI::Range(50, 60'000));
    command->add_flag("--once", options.once, "End when every pool is Ready; the proxies go on");
    command->add_flag(
        "--keep-proxies", options.keep_proxies, "Leave the proxies running at SIGTERM and SIGINT"
    );
    command->add_option("--log-level", words.log_level, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    command->footer(
        "SIGTERM and SIGINT drain the proxies and end; a second one kills them. SIGHUP reads "
        "everything again.\n"
        "After kill -9 the proxies go on, and the next start takes them over."
    );
    return command;
}

CLI::App* add_run(CLI::App& app, Words& words) {
    CLI::App* command = app.add_subcommand(
        "run",
        "Runs the pools that a Kubernetes cluster's ConnectionPools describe, in that cluster"
    );
    kube::RunOptions& options = words.run;
    command->add_option(
        "--kubeconfig",
        options.kubeconfig,
        "kubeconfig file (default: the Pod's service account, $KUBECONFIG, ~/.kube/config)"
    );
    command->add_option("--context", options.context, "Context of the kubeconfig file");
    command
        ->add_option(
            "--namespaces",
            options.namespaces,
            "Namespaces to watch, separated by commas "
            "(default: all)"
        )
        ->delimiter(',')
        ->envname("PENSTOCK_NAMESPACES");
    command->add_option("--proxy-image", options.proxy_image, "Image of the proxies' Pods")
        ->envname("PENSTOCK_PROXY_IMAGE")
        ->required();
    command
        ->add_option(
            "--operator-namespace",
            options.name_space,
            "Namespace of the Lease and of the operator's keys (default: that of the credentials)"
        )
        ->envname("POD_NAMESPACE");
    command->add_option("--identity", options.identity, "Name of this replica (default: host name)")
        ->envname("POD_NAME");
    command->add_option("--lease-name", options.lease, "Name of the Lease")->capture_default_str();
    command
        ->add_option(
            "--metrics-address",
            options.metrics_address,
            "ADDRESS:PORT for /metrics, /healthz, /readyz; empty for none"
        )
        ->capture_default_str();
    command
        ->add_option_function<int>(
            "--interval",
            [&options](const int& value) { options.interval = std::chrono::milliseconds(value); },
            "Milliseconds between two exchanges with each proxy (default: 1000)"
        )
        ->check(CLI::Range(100, 60'000));
    command->add_option_function<int>(
        "--key-validity-hours",
        [&options](const int& value) { options.key_validity = std::chrono::hours(value); },
        "Hours that an authority of the operator's certificate is good for (default: 8760)"
    );
    command->add_option("--log-level", words.log_level, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    command->add_option("--log-format", words.log_format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    command->footer(
        "One of several replicas leads (Lease); the proxies go on with the grants that they have "
        "when it ends."
    );
    return command;
}

CLI::App* add_look(CLI::App& app, Words& words, const std::string& name, const std::string& text) {
    CLI::App* command = app.add_subcommand(name, text);
    command->add_option("KIND", words.look.kind, "cpool, bpres or penstock (both); or KIND/NAME")
        ->required();
    command->add_option("NAME", words.look.name, "Name of one resource");
    command->add_option("-n,--namespace", words.look.name_space, "Namespace")
        ->capture_default_str();
    command->add_flag("-A,--all-namespaces", words.look.all_namespaces, "All namespaces");
    command->add_option("--dir", words.look_folder, "Folder of manifests that the operator runs on")
        ->capture_default_str();
    command->add_option("--state", words.look_state, "State folder (default: DIR/.penstock)");
    return command;
}

int run(int argc, char** argv) {
    CLI::App app{"Penstock feeds PostgreSQL the connections that it can use, and no more."};
    app.name("penstock-operator");
    app.require_subcommand(1);
    Words words;
    const CLI::App* local = add_local(app, words);
    const CLI::App* in_cluster = add_run(app, words);
    CLI::App* get = add_look(app, words, "get", "Shows resources in a table");
    const std::map<std::string, host::Output> outputs{
        {"wide", host::Output::Wide},
        {"yaml", host::Output::Yaml},
        {"json", host::Output::Json},
        {"name", host::Output::Name}};
    get->add_option("-o,--output", words.output, "wide, yaml, json or name")
        ->check(CLI::IsMember({"wide", "yaml", "json", "name"}));
    const CLI::App* describe = add_look(app, words, "describe", "Shows all about resources");
    CLI::App* wait = add_look(app, words, "wait", "Waits until a resource has a condition");
    wait->add_option("--for", words.wait_for, "condition=TYPE, condition=TYPE=STATUS or delete")
        ->capture_default_str();
    wait->add_option("--timeout", words.wait_timeout, "30s, 2m or 1h")->capture_default_str();
    const CLI::App* version = app.add_subcommand("version", "Prints the version");
    CLI11_PARSE(app, argc, argv);

    if (*version) {
        std::puts("penstock-operator " PENSTOCK_VERSION);
        return 0;
    }
    if (*in_cluster) {
        spdlog::set_level(spdlog::level::from_str(words.log_level));
        if (words.log_format == "json") kube::log_as_json();
        return kube::run_in_cluster(words.run);
    }
    if (*local) {
        spdlog::set_level(spdlog::level::from_str(words.log_level));
        if (words.local.program.empty()) words.local.program = default_proxy();
        words.local.program = fs::absolute(words.local.program);
        return words.dry_run ? host::run_dry(words.local) : host::run_local(words.local);
    }
    words.look.state =
        words.look_state.empty() ? words.look_folder / ".penstock" : words.look_state;
    if (*describe) return host::run_describe(words.look);
    if (*wait) {
        const auto timeout = parse_duration(words.wait_timeout);
        if (timeout.count() >= 0) return host::run_wait(words.look, words.wait_for, timeout);
        std::fputs("error: --timeout must be like 30s, 2m or 1h\n", stderr);
        return 1;
    }
    return host::run_get(
        words.look, words.output.empty() ? host::Output::Table : outputs.at(words.output)
    );
}

}  // namespace

int main(int argc, char** argv) {
    spdlog::set_default_logger(spdlog::stderr_color_mt("penstock-operator"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "penstock-operator: %s\n", error.what());
        return 1;
    }
}
