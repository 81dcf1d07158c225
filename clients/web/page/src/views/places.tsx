import { useState } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import type { Geography as Answered, CountryRow } from "../ask/flow_shapes";
import { narrowed } from "../ask/question";
import { countryName } from "../map/codes";
import { Card } from "../parts/card";
import { HostLink } from "../parts/host_link";
import { type Head, PlainTable } from "../parts/plain_table";
import { bytes, whole } from "../show/numbers";

/** Countries, and the hosts of the one that is chosen: at first the largest. */
export function Places({ answer }: { answer: Answered }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = answer.countries.find((row) => row.code === chosen) ?? answer.countries[0];
  return (
    <div class="cards broad">
      <Countries answer={answer} chosen={shown?.code ?? ""} onChoose={setChosen} />
      {shown && <Hosts country={shown} />}
      <Localities answer={answer} />
    </div>
  );
}

function Hosts({ country }: { country: CountryRow }) {
  const heads: Head<CountryRow["largest"][number]>[] = [
    {
      title: "Host",
      cell: (row) => <HostLink address={row.key} name={row.name} />,
    },
    { title: "Flows", right: true, cell: (row) => whole(row.flows) },
    { title: "Bytes", right: true, cell: (row) => bytes(row.bytes) },
  ];
  const more = country.hosts - country.largest.length;
  return (
    <Card
      title={`Hosts of ${countryName(country.code)}`}
      aside={more > 0 && <span class="small">{whole(more)} smaller ones are left out</span>}
    >
      <PlainTable label="Hosts of the country" heads={heads} rows={country.largest} id={(row) => row.key} />
    </Card>
  );
}

function Countries({
  answer,
  chosen,
  onChoose,
}: {
  answer: Answered;
  chosen: string;
  onChoose: (code: string) => void;
}) {
  const { question } = useKnown();
  const heads: Head<CountryRow>[] = [
    { title: "Country", cell: (row) => `${countryName(row.code)} (${row.code})` },
    {
      title: "Hosts",
      right: true,
      cell: (row) => (
        <button
          type="button"
          class="plain"
          aria-pressed={row.code === chosen}
          aria-label={`Show the ${whole(row.hosts)} hosts of ${countryName(row.code)}`}
          onClick={() => onChoose(row.code)}
        >
          {whole(row.hosts)}
        </button>
      ),
    },
    { title: "Sent", right: true, cell: (row) => bytes(row.sent) },
    { title: "Received", right: true, cell: (row) => bytes(row.received) },
    {
      title: "Flows",
      right: true,
      cell: (row) =>
        row.filter ? (
          <a href={viewLink("/flows", narrowed(question, row.filter))}>{whole(row.flows)}</a>
        ) : (
          whole(row.flows)
        ),
    },
  ];
  return (
    <Card title="Countries">
      <PlainTable label="Countries" heads={heads} rows={answer.countries} id={(row) => row.code} />
    </Card>
  );
}

function Localities({ answer }: { answer: Answered }) {
  const { question } = useKnown();
  if (answer.localities.length === 0) return null;
  return (
    <Card title="Local and remote">
      <PlainTable
        label="Localities"
        rows={answer.localities}
        heads={[
          {
            title: "Locality",
            cell: (row) =>
              row.filter ? <a href={viewLink("/flows", narrowed(question, row.filter))}>{row.key}</a> : row.key,
          },
          { title: "Flows", right: true, cell: (row) => whole(row.flows) },
          { title: "Bytes", right: true, cell: (row) => bytes(row.bytes) },
        ]}
      />
    </Card>
  );
}
