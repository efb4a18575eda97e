package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/api"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	"sigs.k8s.io/metrics-server/pkg/server"
)

// metricsServerFlags is what the command line sets.
type metricsServerFlags struct {
	kubeconfig     string
	resolution     time.Duration
	serving        *options.SecureServingOptionsWithLoopback
	authentication *options.DelegatingAuthenticationOptions
	authorization  *options.DelegatingAuthorizationOptions
}

func parseMetricsServerFlags(arguments []string) (metricsServerFlags, error) {
	flags := metricsServerFlags{
		serving:        options.NewSecureServingOptions().WithLoopback(),
		authentication: options.NewDelegatingAuthenticationOptions(),
		authorization:  options.NewDelegatingAuthorizationOptions(),
	}
	set := pflag.NewFlagSet("metrics-server", pflag.ContinueOnError)
	set.StringVar(&flags.kubeconfig, "kubeconfig", "", "how to reach the API server")
	set.DurationVar(&flags.resolution, "metric-resolution", 15*time.Second, "how often the kubelets are asked")
	flags.serving.AddFlags(set)
	flags.authentication.AddFlags(set)
	flags.authorization.AddFlags(set)
	return flags, set.Parse(arguments)
}

// apiserverConfig fills the generic server's configuration as metrics-server's own cmd package did up to
// Kubernetes 0.33: that package sets Config.Version, which 0.34 has not, and leaves EffectiveVersion unset.
func apiserverConfig(flags metricsServerFlags) (*genericapiserver.Config, error) {
	config := genericapiserver.NewConfig(api.Codecs)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	namer := openapinamer.NewDefinitionNamer(api.Scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer)
	if err := flags.serving.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig); err != nil {
		return nil, err
	}
	if err := flags.authentication.ApplyTo(&config.Authentication, config.SecureServing, nil); err != nil {
		return nil, err
	}
	return config, flags.authorization.ApplyTo(&config.Authorization)
}

func serveMetrics(arguments []string) error {
	flags, err := parseMetricsServerFlags(arguments)
	if err != nil {
		return err
	}
	cluster, err := clientcmd.BuildConfigFromFlags("", flags.kubeconfig)
	if err != nil {
		return err
	}
	config, err := apiserverConfig(flags)
	if err != nil {
		return err
	}
	metrics, err := server.Config{
		Apiserver: config,
		Rest:      cluster,
		Kubelet: &client.KubeletClientConfig{
			Client:              *rest.CopyConfig(cluster),
			Scheme:              "https",
			DefaultPort:         10250,
			UseNodeStatusPort:   true,
			AddressTypePriority: []corev1.NodeAddressType{corev1.NodeInternalIP},
		},
		MetricResolution: flags.resolution,
		ScrapeTimeout:    5 * time.Second,
	}.Complete()
	if err != nil {
		return err
	}
	return metrics.RunUntil(genericapiserver.SetupSignalHandler())
}

func runMetricsServer() int {
	if err := serveMetrics(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "metrics-server:", err)
		return 1
	}
	return 0
}
