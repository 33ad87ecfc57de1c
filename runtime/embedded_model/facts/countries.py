"""Countries: capital, continent, languages, currency, sights, rough size of the capital."""

# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """One row; `people` is the capital's rough population in millions, 0 where left out."""

    name: str
    capital: str
    continent: str
    languages: str
    currency: str
    sights: tuple[str, ...]
    people: float

    @property
    def bare(self) -> str:
        """The name without its article."""
        return self.name.removeprefix("the ")


_ROWS = """\
the United States|Washington, D.C.|North America|English|dollar|the National Mall;the Lincoln Memorial;the Smithsonian museums|0.7
the United Kingdom|London|Europe|English|pound|the Tower of London;the British Museum;Buckingham Palace|8.9
France|Paris|Europe|French|euro|the Eiffel Tower;the Louvre Museum;Notre-Dame Cathedral|2.1
Germany|Berlin|Europe|German|euro|the Brandenburg Gate;Museum Island;the Reichstag Building|3.7
Italy|Rome|Europe|Italian|euro|the Colosseum;the Trevi Fountain;the Pantheon|2.8
Spain|Madrid|Europe|Spanish|euro|the Prado Museum;the Royal Palace;Retiro Park|3.3
Portugal|Lisbon|Europe|Portuguese|euro|Belem Tower;the Jeronimos Monastery;Sao Jorge Castle|0.5
Japan|Tokyo|Asia|Japanese|yen|Senso-ji Temple;the Tokyo Skytree;Meiji Shrine|14.0
China|Beijing|Asia|Chinese|yuan|the Forbidden City;the Temple of Heaven;the Summer Palace|21.9
India|New Delhi|Asia|Hindi and English|rupee|India Gate;Humayun's Tomb;the Lotus Temple|0.3
Russia|Moscow|Europe and Asia|Russian|ruble|Red Square;the Kremlin;Saint Basil's Cathedral|13.0
Canada|Ottawa|North America|English and French|dollar|Parliament Hill;the Rideau Canal;the National Gallery|1.0
Australia|Canberra|Oceania|English|dollar|the Australian War Memorial;Parliament House;Lake Burley Griffin|0.5
Brazil|Brasilia|South America|Portuguese|real|the Cathedral of Brasilia;the National Congress;the JK Bridge|2.8
Argentina|Buenos Aires|South America|Spanish|peso|the Obelisk;the Colon Theatre;the Recoleta Cemetery|3.1
Mexico|Mexico City|North America|Spanish|peso|the Zocalo;the Palace of Fine Arts;Chapultepec Park|9.2
Egypt|Cairo|Africa|Arabic|pound|the Egyptian Museum;the Citadel;the Cairo Tower|10.1
South Korea|Seoul|Asia|Korean|won|Gyeongbokgung Palace;Namsan Tower;Bukchon Village|9.4
Greece|Athens|Europe|Greek|euro|the Acropolis;the Parthenon;the Ancient Agora|0.6
Turkey|Ankara|Europe and Asia|Turkish|lira|Anitkabir;Ankara Castle;Kocatepe Mosque|5.7
Thailand|Bangkok|Asia|Thai|baht|the Grand Palace;Wat Arun;Chatuchak Market|0
Vietnam|Hanoi|Asia|Vietnamese|dong|Hoan Kiem Lake;the Old Quarter;the Temple of Literature|8.4
Sweden|Stockholm|Europe|Swedish|krona|the Vasa Museum;the Royal Palace;Gamla Stan|1.0
Norway|Oslo|Europe|Norwegian|krone|the Opera House;Vigeland Park;Akershus Fortress|0.7
Denmark|Copenhagen|Europe|Danish|krone|Tivoli Gardens;the Little Mermaid;Nyhavn|0.7
Finland|Helsinki|Europe|Finnish and Swedish|euro|Helsinki Cathedral;Suomenlinna;the Rock Church|0.7
the Netherlands|Amsterdam|Europe|Dutch|euro|the Rijksmuseum;the Van Gogh Museum;the Anne Frank House|0.9
Belgium|Brussels|Europe|Dutch, French and German|euro|the Grand Place;the Atomium;Manneken Pis|1.2
Austria|Vienna|Europe|German|euro|Schonbrunn Palace;the Hofburg;the State Opera|2.0
Switzerland|Bern|Europe|German, French and Italian|franc|the Zytglogge;the Bear Park;the Bern Minster|0.1
Poland|Warsaw|Europe|Polish|zloty|the Old Town;Lazienki Park;the Royal Castle|1.9
Ireland|Dublin|Europe|English and Irish|euro|Trinity College;the Guinness Storehouse;Dublin Castle|0.6
Czechia|Prague|Europe|Czech|koruna|Charles Bridge;Prague Castle;the Old Town Square|1.3
Hungary|Budapest|Europe|Hungarian|forint|Buda Castle;the Parliament Building;Fisherman's Bastion|1.7
Ukraine|Kyiv|Europe|Ukrainian|hryvnia|Saint Sophia Cathedral;the Golden Gate;Independence Square|3.0
Croatia|Zagreb|Europe|Croatian|euro|Zagreb Cathedral;Ban Jelacic Square;Maksimir Park|0.8
Peru|Lima|South America|Spanish|sol|the Plaza Mayor;the Larco Museum;Huaca Pucllana|10.0
Chile|Santiago|South America|Spanish|peso|San Cristobal Hill;La Moneda Palace;the Plaza de Armas|0
Colombia|Bogota|South America|Spanish|peso|the Gold Museum;Monserrate;La Candelaria|7.9
Cuba|Havana|North America|Spanish|peso|Old Havana;the Malecon;the Capitol|2.1
Kenya|Nairobi|Africa|Swahili and English|shilling|Nairobi National Park;the Giraffe Centre;Karura Forest|4.4
Nigeria|Abuja|Africa|English|naira|Aso Rock;the National Mosque;Millennium Park|0
Morocco|Rabat|Africa|Arabic|dirham|Hassan Tower;the Kasbah of the Udayas;Chellah|0
the Philippines|Manila|Asia|Filipino and English|peso|Intramuros;Rizal Park;Fort Santiago|1.8
Singapore|Singapore|Asia|English|dollar|Marina Bay Sands;Gardens by the Bay;the Merlion|5.9
New Zealand|Wellington|Oceania|English|dollar|the Te Papa Museum;the Cable Car;Mount Victoria|0.2
Iceland|Reykjavik|Europe|Icelandic|krona|Hallgrimskirkja;the Harpa Hall;the Sun Voyager|0.1
Saudi Arabia|Riyadh|Asia|Arabic|riyal|Masmak Fort;the Kingdom Centre;the National Museum|7.0"""


def _parse(row: str) -> Country:
    name, capital, continent, languages, currency, sights, people = row.split("|")
    return Country(
        name, capital, continent, languages, currency, tuple(sights.split(";")), float(people)
    )


COUNTRIES = tuple(_parse(row) for row in _ROWS.splitlines())
