// The machines of this build and of the company: which there are, and each as a drawing without an actor in it.
import { useState } from 'preact/hooks';
import type { ChartFormat } from '../../chart-export.ts';
import type { ListedMachine } from '../../chart-routes.ts';
import { get, type Failure } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { Chart, chartPath, useChart } from '../parts/chart.tsx';
import { Failed, Loaded, Screen } from '../parts/frame.tsx';
import { Revealed } from '../parts/text.tsx';

const countMax = 10_000;

export function Machines(_: { params: Record<string, string> }) {
  const live = useLive(() => get<ListedMachine[]>('/api/machines'), [], ({ rev }) => rev === 0);
  return (
    <Screen title="Machines" cli="keelson machines list" raw="/api/machines">
      <p class="faint">A machine says what an agent may do, and when. Files in <code>agents/</code> of the company folder add your own: <code>docs/agents.md</code> says how.</p>
      <Loaded live={live}>
        {(machines) => (
          <div class="scroll" role="region" aria-label="Machines" tabIndex={0}>
            <table>
              <thead><tr><th scope="col">Machine</th><th scope="col">What it does</th><th scope="col">Actors</th></tr></thead>
              <tbody>
                {machines.map(({ key, id, role, actors }) => (
                  <tr key={key}>
                    <td><a href={at.machine(key)}><Revealed text={key} /></a></td>
                    <td>{role === null ? <span class="faint">no description</span> : <Revealed text={role} />}</td>
                    <td>{actors === 0 ? '0' : <a href={`/actors?type=${encodeURIComponent(id)}`}>{actors >= countMax ? `${countMax.toLocaleString('en')} or more` : actors}</a>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </Screen>
  );
}

export function Machine({ params: { key = '' } }: { params: Record<string, string> }) {
  const live = useChart(key);
  const id = live.data?.chart.id ?? key.slice(0, key.lastIndexOf('@'));
  return (
    <Screen title={key} cli={`keelson machines draw ${key}`} raw={chartPath(key)} actions={<a href={`/actors?type=${encodeURIComponent(id)}`}>Its actors</a>}>
      <Loaded live={live}>
        {(laid) => (
          <>
            {laid.chart.nodes[0]?.description ? <p><Revealed text={laid.chart.nodes[0].description} /></p> : null}
            <Chart laid={laid} active={[]} taken={[]} label={`Statechart of ${laid.key}`} />
            <Exports machine={laid.key} />
          </>
        )}
      </Loaded>
    </Screen>
  );
}

const formats: [format: ChartFormat, title: string, ending: string, type: string][] = [['svg', 'SVG', 'svg', 'image/svg+xml'], ['mermaid', 'Mermaid', 'mmd', 'text/plain'], ['scxml', 'SCXML', 'scxml', 'application/xml'], ['json', 'JSON', 'json', 'application/json']];
const saidMs = 1_500;

function Exports({ machine }: { machine: string }) {
  const [said, setSaid] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const run = async (format: ChartFormat, use: (text: string) => Promise<string>) => {
    try {
      setFailure(null);
      setSaid(await use((await get<{ text: string }>(`/api/machines/${encodeURIComponent(machine)}/export?format=${format}`)).text));
      setTimeout(() => setSaid(''), saidMs);
    } catch (error) {
      setFailure(error as Failure);
    }
  };
  return (
    <>
      <h2>Export</h2>
      {failure ? <Failed failure={failure} /> : null}
      <div class="toolbar">
        {formats.map(([format, title, ending, type]) => (
          <span key={format} class="toolbar" role="group" aria-label={title}>
            <strong>{title}</strong>
            <button type="button" aria-label={`Copy ${title}`} onClick={() => void run(format, async (text) => (await navigator.clipboard.writeText(text), `${title} copied`))}>Copy</button>
            <button type="button" aria-label={`Download ${title}`} onClick={() => void run(format, (text) => (save(`${machine}.${ending}`, text, type), Promise.resolve(`${title} saved`)))}>Download</button>
          </span>
        ))}
        <span role="status">{said}</span>
      </div>
    </>
  );
}

function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), saidMs);
}
