package demo

import (
	"os"
	"path/filepath"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// kubernetesVersion is what e2e/kubernetes/go.mod pins; the folder of the programs is named after it.
const kubernetesVersion = "v1.35.4"

// kubernetesPrograms are the paths of the programs; kubectl may be missing.
type kubernetesPrograms struct{ apiServer, etcd, kubectl string }

// findKubernetes looks where scripts/kubernetes puts what it builds, and then on PATH.
func findKubernetes(getenv func(string) string) (kubernetesPrograms, error) {
	folders := append(kubernetesFolders(getenv), filepath.SplitList(getenv("PATH"))...)
	found := kubernetesPrograms{
		apiServer: findProgram(folders, "kube-apiserver"),
		etcd:      findProgram(folders, "etcd"),
		kubectl:   findProgram(folders, "kubectl"),
	}
	switch {
	case found.apiServer == "":
		return found, fault.New("There is no Kubernetes API server on this computer.", "Build it with \"make kubernetes\".")
	case found.etcd == "":
		return found, fault.New("There is no etcd on this computer, which Kubernetes keeps everything in.",
			"Build it with \"make kubernetes\".")
	}
	return found, nil
}

// kubernetesFolders is the folder of scripts/kubernetes, as that script chooses it.
func kubernetesFolders(getenv func(string) string) []string {
	cache, home := getenv("XDG_CACHE_HOME"), getenv("HOME")
	switch chosen := getenv("TOUCHSTONE_KUBERNETES"); {
	case chosen != "":
		return []string{filepath.Join(chosen, kubernetesVersion)}
	case cache != "":
	case home != "":
		cache = filepath.Join(home, ".cache")
	default:
		return nil
	}
	return []string{filepath.Join(cache, "touchstone", "kubernetes", kubernetesVersion)}
}

// findProgram returns the path of the first program of that name, or nothing.
func findProgram(folders []string, name string) string {
	for _, folder := range folders {
		path, err := filepath.Abs(filepath.Join(folder, name))
		if err != nil || folder == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}
