int unguarded();
using namespace std;
